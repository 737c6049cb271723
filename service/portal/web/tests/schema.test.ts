// The portal's interface as the page knows it is the one that the portal writes down.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "node:test";
import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";

test("the schema is what `npm run api` writes from the portal's own document", async () => {
  const tree = await openapiTS(pathToFileURL(resolve("../openapi.json")), {
    alphabetize: true,
    exportType: true,
  });
  const fresh = `${COMMENT_HEADER}${astToString(tree)}`;
  assert.ok(readFileSync("src/api/schema.ts", "utf8") === fresh, "run `npm run api`");
});
