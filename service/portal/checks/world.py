"""Three real servers and a real portal in a folder of their own, with the people of `vdl up --portal`."""

from __future__ import annotations

import datetime
import ipaddress
import os
import queue
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

REPOSITORY = Path(__file__).resolve().parents[3]
VDL = Path(os.environ.get("VDL", REPOSITORY / "target" / "release" / "vdl"))
# As a page of the portal is sent by a browser.
FROM_PAGE = {"sec-fetch-site": "same-origin"}
# Generous: the machine may be busy with something else.
PATIENCE = 300.0


@dataclass(frozen=True)
class Person:
    """Somebody with an account, and a key in a file unless they need none."""

    word: str
    email: str
    password: str
    key: Path | None


class World:
    """Servers and portal as processes of their own, until `stop`.

    Over TLS the portal has a certificate of its own, `certificate`. Otherwise it is on a plain port that only
    this machine reaches. `connect` may put something else than the servers before the portal: it is given the
    text of the connection file and gives the one to use.
    """

    def __init__(self, folder: Path, *, tls: bool, connect: Callable[[str], str] | None = None) -> None:
        self.folder, self.tls = folder, tls
        self.log = folder / "portal.log"
        self.data = folder / "portal" / "data"
        self.certificate = folder / "portal" / "portal.pem"
        self._started: list[subprocess.Popen[str]] = []
        try:
            self.people = self._make(folder)
            self.origin = self._configure(connect)
            self._start(["up", "--dir", folder], "ready ", folder / "servers.log")
            config = folder / "portal" / "portal.toml"
            self.portal = self._start(["portal", "--config", config], "ready ", self.log).pid
        except BaseException:
            self.stop()
            raise

    def _make(self, folder: Path) -> dict[str, Person]:
        """Makes cluster, people and keys as anybody does, and stops it again."""
        made = self._start(["up", "--dir", folder, "--portal"], "portal ", folder.with_suffix(".log"))
        end(made)
        people = {}
        for line in (folder / "portal" / "people.txt").read_text().splitlines():
            email, password, *key = line.split()
            word = email.split("@")[0]
            people[word] = Person(word, email, password, Path(key[0]) if key else None)
        return people

    def _configure(self, connect: Callable[[str], str] | None) -> str:
        folder, tls, port = self.folder / "portal", self.tls, free_port()
        connection = self.folder / "default.vdlconn"
        if connect is not None:
            text = connect(connection.read_text())
            connection = folder / "recorded.vdlconn"
            connection.write_text(text)
        # A name: there are no passkeys for a number.
        origin = f"{'https' if tls else 'http'}://localhost:{port}"
        lines = [f"listen = '127.0.0.1:{port}'", f"origin = '{origin}'", "data = 'data'"]
        lines += ["secure = 'tls'" if tls else "secure = 'loopback'"]
        if tls:
            lines += ["second_factor = 'off'"]
            write_certificate(self.certificate, folder / "portal.key")
            lines += ["[tls]", "certificate = 'portal.pem'", "key = 'portal.key'"]
        lines += ["[[project]]", "name = 'Sample'", f"connection = '{connection.resolve()}'", ""]
        (folder / "portal.toml").write_text("\n".join(lines))
        return origin

    def _start(self, arguments: list[str | Path], word: str, log: Path) -> subprocess.Popen[str]:
        """Starts `vdl ...` and waits for the line that begins with `word`."""
        if not VDL.exists():
            raise FileNotFoundError(f"{VDL} is not there: run make build, or say in VDL where it is")
        with log.open("a") as errors:
            process = subprocess.Popen(
                [VDL, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self._started.append(process)
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=hand_on, args=(process, log, lines), daemon=True).start()
        while line := lines.get(timeout=PATIENCE):
            if line.startswith(word):
                return process
        raise RuntimeError(f"vdl {arguments[0]} ended before it was ready:\n{log.read_text()}")

    def trust(self) -> ssl.SSLContext | bool:
        """What a client checks the portal's certificate with."""
        return ssl.create_default_context(cafile=self.certificate) if self.tls else True

    def browser(self) -> httpx.Client:
        """A browser that nobody has signed in with."""
        return httpx.Client(base_url=self.origin, headers=FROM_PAGE, verify=self.trust(), timeout=PATIENCE)

    def visit(self, word: str) -> httpx.Client:
        """A browser of this person's, signed in."""
        person, client = self.people[word], self.browser()
        form = {"email": person.email, "password": person.password}
        client.post("/api/login", json=form).raise_for_status()
        return client

    def invite(self, word: str, role: str) -> None:
        """One more person, by a link that the administrator makes."""
        person = Person(word, f"{word}@example.org", f"mossy lantern quartz {len(word)}", None)
        with closing(self.visit("administrator")) as administrator, self.browser() as browser:
            project = administrator.get("/api/me").json()["projects"][0]["id"]
            form: dict[str, object] = {"email": person.email, "roles": [role]}
            made = administrator.post(f"/api/projects/{project}/invitations", json=form).raise_for_status()
            token = made.json()["link"].rsplit("/", 1)[1]
            form = {"name": word.title(), "password": person.password}
            browser.post(f"/api/invitations/{token}", json=form).raise_for_status()
        self.people[word] = person

    def stop(self) -> None:
        """Ends what was started, the last one first."""
        for process in reversed(self._started):
            end(process)


def hand_on(process: subprocess.Popen[str], log: Path, lines: queue.SimpleQueue[str]) -> None:
    """Passes on what a program says, and an empty line when it has ended."""
    assert process.stdout is not None
    with log.open("a") as file, process.stdout as said:
        for line in said:
            file.write(line)
            file.flush()
            lines.put(line)
    lines.put("")


def end(process: subprocess.Popen[str]) -> None:
    """Stops a program and waits for its end."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdin is not None:
        process.stdin.close()


def free_port() -> int:
    """A port for a program that is started next.

    Whoever else asks for any port does not get it for a minute: the end of a connection that was had there
    stays with it so long.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
        with socket.create_connection(("127.0.0.1", port)) as client:
            server.accept()[0].close()
            assert client.recv(1) == b"", "the other end is closed first"
        return port


def write_certificate(certificate: Path, key: Path) -> None:
    """A certificate for this machine that signs itself, and its key, as PEM."""
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "portal of a test")])
    today = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    no = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign"), False
    )
    usage = x509.KeyUsage(
        **no, digital_signature=True, key_cert_sign=True, encipher_only=False, decipher_only=False
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(secret.public_key()), critical=False)
        .sign(secret, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key.write_bytes(secret.private_bytes(pem, pkcs8, serialization.NoEncryption()))
