"""Puts the vectors into the corpora, in the form in which each target takes them.

A fuzzer that starts from files that are accepted spends its time on what lies behind the first check.
"""

import base64
import hashlib
import json
import struct
from pathlib import Path

HERE = Path(__file__).parent
VECTORS = HERE.parent / "vectors"


def compact(value: object) -> bytes:
    """JSON on one line, as it is signed."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def body(header: object, payload: bytes = b"") -> bytes:
    """A request or an answer: length of the header, header, payload."""
    text = compact(header)
    return struct.pack("<I", len(text)) + text + payload


def frame(step: str, payload: bytes, lane: int) -> bytes:
    """A frame between two servers."""
    name = step.encode()
    return struct.pack("<I32sHIB", len(payload), bytes(32), lane, 3, len(name)) + name + payload


def payload(envelope: Path) -> bytes:
    """What is inside a signed file."""
    return base64.b64decode(json.loads(envelope.read_bytes())["payload"])


def requests() -> list[bytes]:
    """One body of every kind."""
    start, command, close = (
        message["header"] for message in json.loads((VECTORS / "messages.json").read_bytes())
    )
    some = "0102" * 16
    column = {"name": "age", "type": "int[min=0,max=120]"}
    table = {"handle": some, "name": "survey", "rows": 3, "columns": [column], "sorted": []}
    opened = {"opened": {"rows": 3, "columns": [column]}}
    error = {"code": "busy", "message": "too many jobs are waiting", "remedy": "try again", "node": 1}
    upload = '{"upload":{"columns":[{"name":"age","type":"int[min=0,max=120]"}]}}'
    get = '{"get":{"table":{"step":0}}}'
    return [
        body(start, b"the envelope"),
        body(close),
        body(some),
        body({"job": some, "command": get, "authority": command}),
        body({"job": some, "command": upload, "rows": 3}, bytes(40)),
        body({"job": some, "outcome": {"table": table}}),
        body({"job": some, "outcome": opened}, bytes(40)),
        body({"job": some, "outcome": "removed"}),
        body({"node": 1, "version": "0.1.0", "mode": "authorized", "environment": "production"}),
        body({"approval": some, "nonce": some, "run": 2}),
        body({"done": 2, "total": 5}),
        body(error),
    ]


def audit() -> list[bytes]:
    """Whole logs, their first lines, and each line alone."""
    logs = [path.read_bytes() for path in sorted((VECTORS / "audit").glob("*.log"))]
    short = [b"".join(log.splitlines(keepends=True)[:lines]) for log in logs for lines in (1, 2, 5, 12)]
    return logs + short + list(dict.fromkeys(line for log in logs for line in log.splitlines(keepends=True)))


def parcels() -> list[bytes]:
    """Parcels to the server of the vectors, answers, and what a bad line leaves of them."""
    vectors = json.loads((VECTORS / "sealed.json").read_bytes())["parcels"]
    whole = [bytes.fromhex(parcel["hex"]) for parcel in vectors if "hex" in parcel]
    answers = [bytes.fromhex(parcel["answer"]["sealed"]) for parcel in vectors]
    cut = [parcel[:end] for parcel in whole for end in (32, 36, len(parcel) - 1)]
    lengths = [struct.pack("<I", length) for length in (15, 1 << 31)]
    return whole + answers + cut + [parcel[:32] + lie + parcel[36:] for parcel in whole for lie in lengths]


def seeds() -> dict[str, list[bytes]]:
    """The first inputs of every target."""
    files = sorted((VECTORS / "authorization").iterdir())
    approved = [path for path in files if path.suffix == ".approved"]
    approved += sorted((VECTORS / "approvals").iterdir())
    policies = [path for path in files if path.suffix == ".policy"]
    revocations = [path for path in files if path.suffix == ".revocation"]
    scripts = [path.read_bytes() for path in sorted((VECTORS / "scripts").rglob("*.json"))]
    types = json.loads((VECTORS / "types.json").read_bytes())
    language = json.loads((VECTORS / "language.json").read_bytes())
    tokens = ["START", "STOP", "ready", "started", "head", "open"]
    return {
        "script": scripts,
        "command": [compact(entry["command"]) for entry in language],
        "column_type": [text.encode() for text in texts(types)],
        "envelope": [read for path in approved for read in (path.read_bytes(), payload(path))]
        + [path.read_bytes() for path in sorted((VECTORS / "keys").iterdir())],
        "policy": [read for path in policies for read in (path.read_bytes(), payload(path))]
        + [(VECTORS / "authorization" / "policy-1.json").read_bytes()],
        "revocation": [read for path in revocations for read in (path.read_bytes(), payload(path))],
        "audit": audit(),
        "request": requests(),
        "frame": [frame(step, bytes(size), 65535 - size) for size, step in enumerate(tokens)]
        + [b"".join(frame(step, b"abc", 1) for step in tokens)],
        "parcel": parcels(),
        "shares": [struct.pack("<HBB", rows, 7, rows % 2) + bytes(300) for rows in (0, 1, 3, 64, 65)],
    }


def texts(value: object) -> list[str]:
    """Every text in a JSON value, keys included."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in [key, *texts(item)]]
    return []


def words() -> list[str]:
    """What the language is made of, for a fuzzer that puts texts together."""
    found = ["null", "true", "false", "9007199254740993", "-9007199254740992", "##a##", "\\ud800"]
    for path in sorted(VECTORS.rglob("*.json")):
        if "typescript" not in path.parts:
            found += [text for text in texts(json.loads(path.read_bytes())) if len(text) <= 24]
    return sorted(set(found))


def write_words(path: Path) -> None:
    """In the form libFuzzer reads."""

    def escaped(word: str) -> str:
        plain = (byte for byte in word.encode())
        return "".join(chr(b) if 35 <= b < 127 and b != 92 else f"\\x{b:02x}" for b in plain)

    path.write_text("".join(f'"{escaped(word)}"\n' for word in words() if word))


def write(target: str, content: bytes) -> None:
    """Adds an input to a corpus, under the name that libFuzzer would give it."""
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(content, usedforsecurity=False).hexdigest()).write_bytes(content)


if __name__ == "__main__":
    write_words(HERE / "words.dict")
    for target, inputs in seeds().items():
        for seed in inputs:
            write(target, seed)
