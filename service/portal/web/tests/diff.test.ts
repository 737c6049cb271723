// What changed between two scripts, and which scripts ask nearly the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import { diffScripts, isSame, nearIdentical } from "../src/contract/diff.ts";
import { inputs, withInputs } from "../src/contract/language.ts";
import type { Command, TableRef } from "../src/contract/language.ts";
import { readScript } from "../src/contract/script.ts";
import type { Script } from "../src/contract/script.ts";
import { bytesOf } from "./vectors.ts";

const mean = readScript(bytesOf("scripts/mean-stroke-age.json"));

/** Puts a step in, and moves all references behind it. */
function inserted(at: number, command: Command): Script {
  const moved = (table: TableRef): TableRef =>
    table.by === "step" && table.step >= at ? { by: "step", step: table.step + 1 } : table;
  const steps = mean.steps.map((step) => ({
    ...step,
    command: withInputs(step.command, inputs(step.command).map(moved)),
  }));
  return { ...mean, steps: [...steps.slice(0, at), { command }, ...steps.slice(at)] };
}

test("a script is the same as itself whatever its source lines say", () => {
  const other = { ...mean, steps: mean.steps.map(({ command }) => ({ command, source: "elsewhere" })) };
  assert.ok(isSame(diffScripts(mean, other)));
  assert.equal(nearIdentical(mean, other), undefined);
});

test("an inserted step does not change those after it", () => {
  for (let at = 0; at <= mean.steps.length; at += 1) {
    const longer = inserted(at, { verb: "remove", table: { by: "name", name: { value: "old" } } });
    const added = diffScripts(mean, longer).steps;
    assert.deepEqual(added.splice(at, 1), [{ added: { right: at + 1 } }]);
    assert.ok(added.every((step) => "same" in step));
    const removed = diffScripts(longer, mean).steps;
    assert.deepEqual(removed.splice(at, 1), [{ removed: { left: at + 1 } }]);
    assert.ok(removed.every((step) => "same" in step));
  }
});

test("a handle cannot pass for a step", () => {
  const [first, , third, ...rest] = mean.steps;
  assert.ok(first?.command.verb === "get" && third?.command.verb === "merge");
  const merge = { ...third.command, left: first.command.table };
  const other = { ...mean, steps: [...mean.steps.slice(0, 2), { command: merge }, ...rest] };
  const step = diffScripts(mean, other).steps[2];
  assert.ok(step !== undefined && "changed" in step);
  assert.deepEqual(step.changed.fields[0], { path: "merge.left.step", left: "0", right: null });
});

test("scripts too long for a table are still compared", () => {
  const long = (from: number): Script => ({
    ...mean,
    steps: Array.from({ length: 3_000 }, (_, at) => ({
      command: { verb: "get", table: { by: "name", name: { value: `table ${from + at}` } } },
    })),
  });
  assert.ok(isSame(diffScripts(long(0), long(0))));
  assert.equal(diffScripts(long(0), long(10_000)).steps.length, 3_000);
});
