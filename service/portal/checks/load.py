"""A busy portal: how long people wait for its answers over TLS, when many ask at once.

    .venv/bin/python service/portal/checks/load.py [--rate 50] [--seconds 30] [--repeat 3]

Three servers, the portal and whoever asks are on this machine. Requests are sent when they are due, whatever
became of those before, and the time of each counts from when it was due.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import random
import secrets
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import httpx

from story import SURVEY, Analyst, Told, pem, tell
from world import FROM_PAGE, World

# What we hold ourselves to.
LONGEST_P95 = 0.150
REQUESTS, TABLES = 60, 40
# How often each is asked for, by whom.
EVERYBODY = ("provider", "analyst", "alice", "bob", "administrator")
MIX = [
    (18, EVERYBODY, "GET /api/inbox"),
    (18, EVERYBODY, "GET /api/projects/{project}/requests"),
    (16, EVERYBODY, "GET /api/requests/{request}"),
    (14, EVERYBODY, "GET /api/projects/{project}/tables"),
    (12, EVERYBODY, "GET /api/projects/{project}"),
    (8, EVERYBODY, "GET /api/me"),
    (6, EVERYBODY, "GET /api/keys"),
    (5, ("administrator",), "GET /api/projects/{project}/journal"),
    (2, ("alice", "bob"), "POST /api/requests/{request}/comments"),
    (1, EVERYBODY, "POST /api/inbox/read"),
]


def main() -> None:
    """Starts everything, fills it, and asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rate", type=float, default=50, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vdl-load-") as folder:
        world = World(Path(folder) / "vdl", tls=True)
        try:
            told = tell(world, world.origin, SURVEY, Analyst(pem(bytes(32)), "seven quiet herons 88"))
            fill(world, told)
            p95s = [one_round(world, told, options.rate, options.seconds) for _ in range(options.repeat)]
        finally:
            world.stop()
    p95 = statistics.median(p95s)
    print(f"median of the p95s {1000 * p95:.1f} ms, held to {1000 * LONGEST_P95:.0f} ms")
    sys.exit(p95 > LONGEST_P95)


def fill(world: World, told: Told) -> None:
    """As many requests and tables as a project has after some time."""
    with closing(world.visit("analyst")) as analyst:
        first = analyst.get(f"/api/requests/{told.open}").raise_for_status().json()
        statement = json.loads(base64.b64decode(first["versions"][0]["payload"]))
        for number in range(REQUESTS):
            statement["nonce"] = secrets.token_hex(32).upper()
            payload = base64.b64encode(json.dumps(statement).encode()).decode()
            form = {"kind": "script", "name": f"Mean age {number}", "payload": payload}
            analyst.post(f"/api/projects/{told.project}/requests", json=form).raise_for_status()
    with closing(world.visit("provider")) as provider:
        columns = [{"name": f"column {number}", "type": "int[min=0,max=120]"} for number in range(12)]
        for number in range(TABLES):
            form: dict[str, object] = {"handle": secrets.token_hex(32).upper(), "name": f"table {number}"}
            form.update(schema=columns, rows=1000)
            form.update(file_digest="ab" * 32, file_name=f"table{number}.csv")
            provider.post(f"/api/projects/{told.project}/tables", json=form).raise_for_status()


def one_round(world: World, told: Told, rate: float, seconds: float) -> float:
    """Asks for so long, tells what came of it, and gives the p95 in seconds."""
    random.seed(7)
    before = processor_seconds(world.portal)
    times, errors = asyncio.run(ask(world, told, rate, seconds))
    used = processor_seconds(world.portal) - before
    cuts = statistics.quantiles(times, n=100)
    waits = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "most": max(times)}
    print(
        f"{len(times)} requests, {rate:g} a second:",
        ", ".join(f"{name} {1000 * wait:.1f} ms" for name, wait in waits.items()),
        f"and {len(errors)} errors; the portal computed for {100 * used / seconds:.0f} % of the time;",
        f"load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    for error in sorted(set(errors))[:5]:
        print(f"  {error}")
    return cuts[94] if not errors else float("inf")


def processor_seconds(process: int) -> float:
    """What a process computed so far."""
    fields = (Path("/proc") / str(process) / "stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def ask(world: World, told: Told, rate: float, seconds: float) -> tuple[list[float], list[str]]:
    """One request after the other, each when it is due. Gives the times and what went wrong."""
    people = {word: signed_in(world, word) for word in EVERYBODY}
    times: list[float] = []
    errors: list[str] = []
    weights = [weight for weight, _, _ in MIX]

    async def one(due: float) -> None:
        await asyncio.sleep(due - time.perf_counter())
        [(_, whose, what)] = random.choices(MIX, weights)
        method, _, path = what.partition(" ")
        path = path.format(project=told.project, request=random.choice((told.open, told.request)))
        form = {"text": "Is the last step needed?"} if path.endswith("comments") else None
        try:
            answer = await people[random.choice(whose)].request(method, path, json=form)
            if answer.is_error:
                errors.append(f"{what}: {answer.status_code} {answer.text}")
        except httpx.HTTPError as error:
            errors.append(f"{what}: {error!r}")
        times.append(time.perf_counter() - due)

    begin = time.perf_counter() + 0.5
    await asyncio.gather(*(one(begin + number / rate) for number in range(int(rate * seconds))))
    for person in people.values():
        await person.aclose()
    return times, errors


def signed_in(world: World, word: str) -> httpx.AsyncClient:
    """A browser of this person's, which keeps its connections."""
    with closing(world.visit(word)) as browser:
        return httpx.AsyncClient(
            base_url=world.origin,
            headers=FROM_PAGE,
            verify=world.trust(),
            cookies=browser.cookies,
            timeout=60,
        )


if __name__ == "__main__":
    main()
