"""Whatever is sent to the portal, it answers as its own description says, and never with an error of its own.

`VDL_EXAMPLES` says how many requests are made up for each role that an operation is for.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi import checks

import world as portal
from device import Device
from story import Told

EXAMPLES = int(os.environ.get("VDL_EXAMPLES", "6"))
# Of those a role may not do: they are refused before anybody looks at what was sent.
REFUSED_EXAMPLES = 2
DESCRIPTION = portal.REPOSITORY / "service" / "portal" / "openapi.json"
COOKIE = "__Host-vdl"
# Sample people, somebody who joins, and nobody.
ROLES = {
    "administrator": "administrator",
    "provider": "provider",
    "analyst": "analyst",
    "approver": "alice",
    "auditor": "auditor",
    "anonymous": None,
}
# Each costs a guess at a password, of which an account has ten: done a few times.
GUESSES = ("DELETE /api/session", "POST /api/fresh", "POST /api/password")
GUESSING = 3
UPLOADING = "PUT /api/uploads/{upload}/{server}/{chunk}"
CHUNK = 65_536
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.allow_header_conformance,
    checks.ignored_auth,
]

load_all_checks()
SCHEMA = schemathesis.openapi.from_path(str(DESCRIPTION))


def finality(label: str) -> tuple[int, str]:
    """What ends something comes last, so that there is something to look at before."""
    ends = ("DELETE", "withdraw", "verdict", "revoke", "retire", "members")
    return (2 if label in GUESSES else int(any(word in label for word in ends)), label)


OPERATIONS = {operation.label: operation for operation in (r.ok() for r in SCHEMA.get_all_operations())}
LABELS = sorted(OPERATIONS, key=finality)


class People:
    """Everybody's session, and what the made-up requests are led to."""

    def __init__(self, world: portal.World, told: Told) -> None:
        self.world, self.told = world, told
        self.browsers: dict[str, httpx.Client] = {}
        for word in ("auditor", "guest"):
            world.invite(word, "auditor")
        self.real = self._real()
        # Of which operations it is known that nobody does them without a session.
        self.guarded: set[str] = set()
        # What was done, not only asked for.
        self.done: set[str] = set()

    def browser(self, word: str, *, fresh: bool = True) -> httpx.Client:
        """A session that holds; `fresh`: in which something grave may still be done for a while."""
        known = self.browsers.get(word)
        if known is not None:
            me = known.get("/api/me")
            until = time.time() + 90 if fresh else 0
            if me.status_code == httpx.codes.OK and me.json()["fresh_until"] > until:
                return known
            known.close()
        self.browsers[word] = self.world.visit(word)
        return self.browsers[word]

    def _real(self) -> dict[str, Any]:
        """What leads to something that is there, by the name of the parameter or field."""
        told, provider = self.told, self.browser("provider")
        form: dict[str, object] = {"sizes": [CHUNK + 1] * 3, "chunk": CHUNK}
        begun = provider.post(f"/api/projects/{told.project}/uploads", json=form).raise_for_status().json()
        invited = {"email": "nobody@example.org", "roles": ["analyst"]}
        invitations = f"/api/projects/{told.project}/invitations"
        made = self.browser("administrator").post(invitations, json=invited).raise_for_status().json()
        request = self.browser("analyst").get(f"/api/requests/{told.open}").raise_for_status().json()
        payload = request["versions"][0]["payload"]
        return {
            **forms(payload),
            "project": told.project,
            "request": told.open,
            "handle": told.handle,
            "upload": begun["id"],
            "server": 1,
            "chunk": 0,
            "version": 1,
            "user": self.browser("guest").get("/api/me").json()["user"]["id"],
            "keys": told.key,
            "invitations": made["id"],
            "inbox": self.browser("alice").get("/api/inbox").json()["notices"][0]["id"],
            "payload": lambda: another(payload),
            "type": "int[min=0,max=120]",
            "challenge": provider.get("/api/keys/challenge").json()["challenge"],
        }


@pytest.fixture(scope="module")
def people(busy: tuple[portal.World, Told]) -> Iterator[People]:
    """Those who are signed in while this file is tested."""
    world, told = busy
    people = People(world, told)
    yield people
    for browser in people.browsers.values():
        browser.close()


def forms(payload: str) -> dict[str, Callable[[], dict[str, Any]]]:
    """What is right to send, by the operation that takes it."""
    columns = [{"name": "age", "type": "int[min=0,max=120]"}]
    file = {"name": "survey", "schema": columns, "rows": 9, "file_digest": "ab" * 32, "file_name": "a.csv"}
    script = {"kind": "script", "name": "Mean age"}
    return {
        "POST /api/projects/{project}/tables": lambda: {"handle": secrets.token_hex(32).upper(), **file},
        "POST /api/projects/{project}/uploads": lambda: {"sizes": [CHUNK + 1] * 3, "chunk": CHUNK},
        "POST /api/projects/{project}/invitations": lambda: {
            "email": "eve@example.org",
            "roles": ["auditor"],
        },
        "POST /api/projects/{project}/requests": lambda: {"payload": another(payload), **script},
        "POST /api/requests/{request}/comments": lambda: {"text": "Is the last step needed?", "step": 1},
        "POST /api/requests/{request}/verdict": lambda: {"version": 1, "verdict": "changes", "text": "No."},
        "POST /api/requests/{request}/versions": lambda: {"payload": another(payload)},
    }


def another(payload: str) -> str:
    """A statement that asks for the same and was never seen."""
    statement = json.loads(base64.b64decode(payload))
    statement["nonce"] = secrets.token_hex(32).upper()
    return base64.b64encode(json.dumps(statement).encode()).decode()


def lead_somewhere(case: Case, real: dict[str, Any]) -> None:
    """Puts what is there in the place of three of four made-up values, chosen by the value itself."""
    # Of what the id is.
    place = case.operation.path.partition("/{id}")[0].rsplit("/", 1)[1]

    def better(name: str, value: object) -> object:
        known = real.get(name, real.get(place) if name == "id" else None)
        known = known() if callable(known) else known
        return known if known is not None and zlib.crc32(repr(value).encode()) % 4 else value

    def improve(value: object) -> object:
        if isinstance(value, dict):
            return {name: better(name, improve(inner)) for name, inner in value.items()}
        return [improve(inner) for inner in value] if isinstance(value, list) else value

    if isinstance(case.path_parameters, dict):
        case.path_parameters = {name: better(name, value) for name, value in case.path_parameters.items()}
    form = real.get(case.operation.label)
    if form is not None and isinstance(case.body, dict):
        right = form()
        case.body |= {name: right[name] for name in right if zlib.crc32(repr((name, case.body)).encode()) % 8}
    else:
        case.body = improve(case.body)
    if case.operation.label == UPLOADING and zlib.crc32(repr(case.body).encode()) % 4:
        case.body = bytes(CHUNK)


@pytest.fixture(scope="module")
def codes() -> set[str]:
    """The codes that docs/errors.md explains."""
    return set(re.findall(r"`([a-z_]+)`", (portal.REPOSITORY / "docs" / "errors.md").read_text()))


def exercise(label: str, examples: int, act: Callable[[Case], None]) -> None:
    """Does something with made-up requests, right ones and wrong ones, the same each time."""
    operation = OPERATIONS[label]
    right, wrong = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    limits = settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    limits(given(case=right | wrong)(act))()


def may(label: str, role: str) -> bool:
    """Whether the description says that this role comes in."""
    words = OPERATIONS[label].definition.raw["x-roles"]
    return not words or (role != "anonymous" and ("user" in words or role in words))


def test_a_refusal_reaches_who_is_still_sending(people: People) -> None:
    """A connection that breaks instead is tried again by the page, for ever."""
    world, there = people.world, people.real["upload"]
    headers = {**portal.FROM_PAGE, "content-type": "application/octet-stream"}
    cases = [
        (None, there, 401),
        ("analyst", there, 403),
        ("provider", "nowhere", 404),
        ("provider", there, 400),
    ]
    for word, upload, status in cases:
        cookies = {} if word is None else {COOKIE: people.browser(word).cookies[COOKIE]}
        for server in (0, 1, 2):
            # This client says everything before it listens.
            answer = requests.put(
                f"{world.origin}/api/uploads/{upload}/{server}/0",
                data=bytes(4 << 20),
                headers=headers,
                cookies=cookies,
                verify=str(world.certificate),
                timeout=portal.PATIENCE,
            )
            assert answer.status_code == status


# A guess at a password is for somebody who does nothing else with it.
TRIED = [
    (label, role)
    for label in LABELS
    for role in ROLES
    if label not in GUESSES or role in ("auditor", "anonymous")
]


@pytest.mark.parametrize(("label", "role"), TRIED)
def test_every_answer_is_as_described(label: str, role: str, people: People, codes: set[str]) -> None:
    """Status, type and body fit the description, refusals have a code that is explained; nothing breaks."""
    word, let_in, guesses = ROLES[role], may(label, role), label in GUESSES
    if word is not None:
        people.browser(word, fresh=not guesses)

    def act(case: Case) -> None:
        lead_somewhere(case, people.real)
        case.headers.update(portal.FROM_PAGE)
        case.cookies = {}
        # Where nobody says how long, it is ten seconds.
        sent: dict[str, Any] = {"verify": str(people.world.certificate), "timeout": portal.PATIENCE}
        if word is not None:
            browser = people.browser(word, fresh=False) if guesses else people.browsers[word]
            sent["cookies"] = {COOKIE: browser.cookies[COOKIE]}
        answer = case.call(base_url=people.world.origin, **sent)
        looked_at = [check for check in CHECKS if check != checks.ignored_auth or label not in people.guarded]
        case.validate_response(answer, checks=looked_at, transport_kwargs=sent)
        described = case.operation.definition.raw["responses"]
        # Refusals share one description; everything else has its own.
        if answer.status_code < httpx.codes.BAD_REQUEST:
            assert str(answer.status_code) in described
            assert let_in
            people.done.add(label)
            people.guarded.add(label)
        else:
            assert json.loads(answer.content)["code"] in codes
        if word is None and not let_in:
            assert answer.status_code in (401, 404, 405, 415), answer.status_code

    examples = EXAMPLES if let_in else REFUSED_EXAMPLES
    exercise(label, min(examples, GUESSING) if guesses else examples, act)


def test_a_passkey_goes_all_its_ways_as_described(people: People) -> None:
    """Answers of a real device, which nobody makes up."""
    device = Device(people.world.origin)

    def send(browser: httpx.Client, label: str, form: object = None, **names: str) -> Any:
        method, path = label.split()
        answer = browser.request(method, path.format(**names), json=form)
        assert answer.is_success, (label, answer.text)
        OPERATIONS[label].validate_response(answer)
        people.done.add(label)
        return answer.json()

    def show(browser: httpx.Client, what: str) -> Any:
        form = {"answer": device.get(send(browser, f"POST /api/{what}/start"))}
        return send(browser, f"POST /api/{what}/finish", form)

    def need(browser: httpx.Client, needed: bool) -> Any:
        return send(browser, "PUT /api/passkeys/needed", {"needed": needed})["passkeys"]["chosen"]

    with closing(people.world.visit("guest")) as browser, people.world.browser() as elsewhere:
        answer = device.create(send(browser, "POST /api/passkeys/start"))
        added = send(browser, "POST /api/passkeys/finish", {"name": "laptop", "answer": answer})
        assert added["passkeys"]["count"] == 1
        assert need(browser, True)
        assert show(elsewhere, "login/passkey")["user"] == added["user"]
        assert not show(elsewhere, "fresh/passkey")["passkeys"]["waiting"]
        with closing(people.world.visit("guest")) as password:
            assert password.get("/api/inbox").json()["code"] == "passkey_needed"
        assert not need(elsewhere, False)
        [kept] = send(elsewhere, "GET /api/passkeys")
        send(elsewhere, "DELETE /api/passkeys/{id}", id=kept["id"])
        assert browser.get("/api/me").status_code == httpx.codes.UNAUTHORIZED


def test_the_description_is_the_one_that_is_served(busy: tuple[portal.World, Told]) -> None:
    """The file in the repository, character for character."""
    world, _ = busy
    with world.browser() as browser:
        assert browser.get("/api/openapi.json").text == DESCRIPTION.read_text()


def test_made_up_requests_get_somewhere(people: People) -> None:
    """Most operations were really done, so that the answers above are not all refusals."""
    assert len(people.done) > len(LABELS) / 2, sorted(set(LABELS) - people.done)
