"""A device that holds one passkey, and the browser before it."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any
from urllib.parse import urlparse

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, WITH_KEY = 1, 4, 64
# CBOR: a key of COSE, ES256 on P-256, before x and between x and y; an object without attestation.
KEY = (bytes.fromhex("a5010203262001215820"), bytes.fromhex("225820"))
OBJECT = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"


def encode(octets: bytes) -> str:
    """As the standard writes octets in JSON."""
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


class Device:
    """Answers for this origin, always with its user verified."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = secrets.token_bytes(20)
        self._handle = ""
        self._counter = 0

    def _data(self, flags: int) -> bytes:
        self._counter += 1
        site = hashlib.sha256((urlparse(self._origin).hostname or "").encode()).digest()
        return site + bytes([flags | PRESENT | VERIFIED]) + self._counter.to_bytes(4, "big")

    def _asked(self, kind: str, options: Any) -> bytes:
        challenge = options["publicKey"]["challenge"]
        said = {"type": kind, "challenge": challenge, "origin": self._origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        name = encode(self._id)
        rest = {"type": "public-key", "clientExtensionResults": {}, "authenticatorAttachment": "platform"}
        return {"id": name, "rawId": name, "response": response, **rest}

    def create(self, options: Any) -> dict[str, Any]:
        """`navigator.credentials.create`."""
        self._handle = options["publicKey"]["user"]["id"]
        point = self._key.public_key().public_numbers()
        key = KEY[0] + point.x.to_bytes(32, "big") + KEY[1] + point.y.to_bytes(32, "big")
        data = self._data(WITH_KEY) + bytes(16) + len(self._id).to_bytes(2, "big") + self._id + key
        asked = encode(self._asked("webauthn.create", options))
        made = encode(OBJECT + bytes([len(data)]) + data)
        return self._answer({"attestationObject": made, "clientDataJSON": asked, "transports": ["internal"]})

    def get(self, options: Any) -> dict[str, Any]:
        """`navigator.credentials.get`."""
        asked, data = self._asked("webauthn.get", options), self._data(0)
        signature = self._key.sign(data + hashlib.sha256(asked).digest(), ec.ECDSA(hashes.SHA256()))
        octets = {"authenticatorData": data, "clientDataJSON": asked, "signature": signature}
        fields = {name: encode(each) for name, each in octets.items()}
        return self._answer({**fields, "userHandle": self._handle})
