"""Signatures in vectors/, checked without any code of ours."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

VECTORS = Path(__file__).parents[2] / "vectors"
MESSAGES = json.loads((VECTORS / "messages.json").read_text())
APPROVED = json.loads((VECTORS / "approvals" / "mean-stroke-age.approved").read_text())


def key(name: str) -> Ed25519PublicKey:
    public = load_pem_public_key((VECTORS / "keys" / f"{name}.pk").read_bytes())
    assert isinstance(public, Ed25519PublicKey)
    return public


def framed(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    lengths = (len(payload_type), len(payload))
    return f"DSSEv1 {lengths[0]} {payload_type} {lengths[1]} ".encode() + payload


def signed(public: Ed25519PublicKey, signature: str, message: bytes) -> bool:
    try:
        public.verify(base64.b64decode(signature, validate=True), message)
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("entry", MESSAGES, ids=lambda entry: entry["kind"])
def test_what_the_analyst_signs_can_be_checked_without_us(entry: dict) -> None:
    message, signature = entry["message"].encode(), entry["header"]["signature"]
    assert signed(key("analyst"), signature, message)
    assert not signed(key("analyst"), signature, message[:-1] + b" ")
    assert not signed(key("alice"), signature, message)
    body = json.loads(message[message.index(b"{") :])
    written = json.dumps(body, separators=(",", ":")).encode()
    assert message == framed(f"application/vnd.vdl.{entry['kind']}.v1", written)
    assert body["approval"] == entry["header"]["approval"]


def test_who_signed_an_approval_can_be_checked_without_us() -> None:
    payload = base64.b64decode(APPROVED["payload"], validate=True)
    message = framed(APPROVED["payloadType"], payload)
    signers = {
        name
        for name in ("alice", "bob", "analyst", "openssl")
        if any(signed(key(name), each["sig"], message) for each in APPROVED["signatures"])
    }
    assert signers == {"alice", "bob"}
    statement = json.loads(payload)
    analyst = load_pem_public_key(
        b"-----BEGIN PUBLIC KEY-----\n" + statement["analyst"].encode() + b"\n-----END PUBLIC KEY-----\n"
    )
    assert analyst == key("analyst")
