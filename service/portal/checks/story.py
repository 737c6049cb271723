"""The story of `web/tests/process/story.ts`, told to a running portal."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from world import PATIENCE, REPOSITORY, World

WEB = REPOSITORY / "service" / "portal" / "web"
COMPILED = WEB / "build" / "tests" / "process" / "story.js"


@dataclass(frozen=True)
class File:
    """What the provider uploads: columns `id`, `age` and `city`, or any that have an `age`."""

    name: str
    text: str


ROWS = "\n".join(f"{row},{20 + row % 60},{'Gouda' if row % 2 else 'Breda'}" for row in range(100))
SURVEY = File("survey.csv", f"id,age,city\n{ROWS}\n")


@dataclass(frozen=True)
class Analyst:
    """What the analyst has besides: a second key as PEM, and the password that follows the first one."""

    second: str
    next: str


@dataclass(frozen=True)
class Told:
    """Ids of what there is afterwards. `open` is a request that nobody has decided about.

    `planes` are the bits of the table in hexadecimal, as they are before they are split into shares.
    """

    project: str
    leave: str
    request: str
    open: str
    handle: str
    planes: str
    key: str


def pem(seed: bytes) -> str:
    """A signing key of these 32 bytes as `vdl keygen` writes it."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, pkcs8, plain).decode()


def tell(world: World, address: str, file: File, analyst: Analyst, spool: Path | None = None) -> Told:
    """Has everybody do their part, with the portal reached at `address`.

    The portal's spool is copied to `spool` when the upload is whole and not sent yet.
    """
    if not COMPILED.exists():
        raise FileNotFoundError(f"{COMPILED} is not there: run make test-portal")
    member = {
        word: {"email": one.email, "password": one.password, "key": one.key.read_text()}
        for word, one in world.people.items()
        if one.key is not None
    }
    cast: dict[str, object] = {
        "address": address,
        "origin": world.origin,
        "provider": member["provider"],
        "analyst": {**member["analyst"], "second": analyst.second, "next": analyst.next},
        "approvers": [member["alice"], member["bob"]],
        "file": {"name": file.name, "text": file.text},
    }
    if spool is not None:
        cast["spool"] = {"from": str(world.data / "spool"), "to": str(spool)}
    done = subprocess.run(
        ["node", COMPILED],
        input=json.dumps(cast),
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(world.certificate)} if world.tls else None,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the story did not come to its end:\n{done.stderr}{world.log.read_text()}")
    world.people["analyst"] = replace(world.people["analyst"], password=analyst.next)
    return Told(**json.loads(done.stdout))
