"""What nobody but its owner may see is nowhere in the portal: memory, database, logs, spool, nor on the wire.

Each place is also searched for something that has to be there, so that a search that finds nothing means it.
"""

from __future__ import annotations

import base64
import random
import secrets
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

import pytest
from cryptography.hazmat.primitives import serialization

import memory
import world as portal
from recorder import Recorder
from story import Analyst, File, Told, pem, tell

ROWS = 600
CITIES = ("kwartelwoude-" + secrets.token_hex(6), "zandhaasgat-" + secrets.token_hex(6))
TABLE, FILE = "survey", "enquete-" + secrets.token_hex(4) + ".csv"
# Of so many bits that no number occurs by accident, and few enough for JavaScript.
NUMBERS = random.Random(secrets.token_bytes(16)).sample(range(2**51, 2**52), ROWS)
WINDOW = 16


def written(text: str) -> list[bytes]:
    """A text as it is, in UTF-16, in hexadecimal and in base64 at any place."""
    return [text.encode(), text.encode("utf-16-le"), *encoded(text.encode())]


def encoded(data: bytes) -> list[bytes]:
    """Octets in hexadecimal and base64, whatever stands before them."""
    forms = [data.hex().encode(), data.hex().upper().encode()]
    for before in range(3):
        whole = base64.b64encode(bytes(before) + data)
        # The first and last few letters depend on what is beside it.
        forms.append(whole[4 * bool(before) : len(whole) - 4])
    return forms


@dataclass
class Wanted:
    """What to look for, each in all its forms."""

    cells: dict[str, list[bytes]] = field(default_factory=dict)
    keys: dict[str, list[bytes]] = field(default_factory=dict)
    passwords: dict[str, list[bytes]] = field(default_factory=dict)


def cells(planes: bytes) -> dict[str, list[bytes]]:
    """Cells as text, as numbers of 8 octets in both orders, and as the bits that are split into shares."""
    wanted = {f"cell {city}": written(city) for city in CITIES}
    for number in NUMBERS[:4]:
        octets = [number.to_bytes(8, "little"), number.to_bytes(8, "big")]
        wanted[f"cell {number}"] = [*written(str(number)), *octets]
    # Windows of as many different octets as only random bits have.
    windows = (planes[at : at + WINDOW] for at in range(0, len(planes) - WINDOW, 3 * WINDOW))
    telling = [window for window in windows if len(set(window)) >= WINDOW - 3]
    assert len(telling) > 20, "the table has planes that can be recognized"
    wanted |= {f"plane {window.hex()}": [window] for window in telling[:12]}
    return wanted


def keys(people: dict[str, portal.Person], second: str) -> dict[str, list[bytes]]:
    """Secret halves: the seed, and the file it stands in."""
    wanted = {}
    files = {word: person.key.read_text() for word, person in people.items() if person.key is not None}
    for word, text in {**files, "the analyst's second": second}.items():
        key = serialization.load_pem_private_key(text.encode(), password=None)
        raw, plain = serialization.Encoding.Raw, serialization.NoEncryption()
        seed = key.private_bytes(raw, serialization.PrivateFormat.Raw, plain)
        wanted[f"key of {word}"] = [seed, *encoded(seed), text.splitlines()[1].encode()]
    return wanted


def find(wanted: dict[str, list[bytes]], places: Iterator[bytes] | list[bytes]) -> set[str]:
    """The names of those that are in one of the places."""
    found = set()
    for place in places:
        for name, forms in wanted.items():
            if name not in found and any(form in place for form in forms):
                found.add(name)
    return found


@dataclass
class Scene:
    """What was kept while the story was told."""

    world: portal.World
    told: Told
    wanted: Wanted
    front: Recorder
    back: list[Recorder]
    spool: Path
    # What was found in memory while requests were on their way.
    underway: set[str]
    glances: int

    def files(self, folder: Path) -> list[bytes]:
        """All files below a folder."""
        return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]


def before_servers(folder: Path, recorders: list[Recorder]) -> Callable[[str], str]:
    """Puts a recorder before each server, with a certificate that the portal is told to pin."""
    certificate, key = folder / "recorder.pem", folder / "recorder.key"

    def connect(text: str) -> str:
        portal.write_certificate(certificate, key)
        taken = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        taken.load_cert_chain(certificate, key)
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        head, *servers = text.split("[[servers]]")
        lines = [head]
        for server in servers:
            before, _, rest = server.partition('certificate = """')
            _, _, after = rest.partition('"""')
            address = before.split('endpoint = "', 1)[1].split('"', 1)[0]
            url = urlparse(address)
            assert url.hostname is not None
            assert url.port is not None
            recorder = Recorder((url.hostname, url.port), taken, made)
            recorders.append(recorder)
            moved = before.replace(address, f"https://127.0.0.1:{recorder.port}")
            lines.append(f'{moved}certificate = """\n{certificate.read_text()}"""{after}')
        return "[[servers]]".join(lines)

    return connect


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The story, told to a portal that is listened to on both sides."""
    folder = tmp_path_factory.mktemp("markers")
    back: list[Recorder] = []
    world = portal.World(folder / "vdl", tls=False, connect=before_servers(folder, back))
    front = Recorder(("127.0.0.1", urlparse(world.origin).port or 0))
    try:
        analyst = Analyst(pem(secrets.token_bytes(32)), "seven quiet herons " + secrets.token_hex(8))
        passwords = {**{w: p.password for w, p in world.people.items()}, "the analyst's next": analyst.next}
        wanted = Wanted(keys=keys(world.people, analyst.second))
        wanted.passwords = {f"password of {word}": written(text) for word, text in passwords.items()}
        rows = (f"{at},{20 + at % 60},{NUMBERS[at]},{CITIES[at % 2]}" for at in range(ROWS))
        file = File(FILE, "id,age,number,city\n" + "\n".join(rows) + "\n")
        glancer = Glancer(world.portal, {**wanted.keys, **{f"cell {c}": written(c) for c in CITIES}})
        told = tell(world, f"http://127.0.0.1:{front.port}", file, analyst, folder / "spool")
        glancer.stop()
        wanted.cells = cells(bytes.fromhex(told.planes))
        yield Scene(world, told, wanted, front, back, folder / "spool", glancer.found, glancer.glances)
    finally:
        world.stop()
        for recorder in [front, *back]:
            recorder.close()


class Glancer:
    """Looks into a process again and again while it works."""

    def __init__(self, process: int, wanted: dict[str, list[bytes]]) -> None:
        self.found: set[str] = set()
        self.glances = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(process, wanted), daemon=True)
        self._thread.start()

    def _look(self, process: int, wanted: dict[str, list[bytes]]) -> None:
        try:
            while not self._over.wait(0.5):
                self.found |= find(wanted, memory.writable_memory(process))
                self.glances += 1
        except PermissionError:
            self.glances = 0

    def stop(self) -> None:
        """Looks no more."""
        self._over.set()
        self._thread.join()


def memory_of(process: int) -> list[bytes]:
    """All it has, or no test where the kernel forbids it."""
    try:
        return list(memory.writable_memory(process))
    except PermissionError as error:
        pytest.skip(f"the kernel does not let us look into the portal, its memory is NOT checked: {error}")


def test_the_memory_of_the_portal_holds_no_cell_and_no_secret_key(scene: Scene) -> None:
    """Neither afterwards nor while everything is on its way."""
    held = memory_of(scene.world.portal)
    known = {word: written(word) for word in (FILE, scene.world.origin, scene.told.handle)}
    assert find(known, held) == set(known), "the search finds what is there"
    assert find({**scene.wanted.cells, **scene.wanted.keys}, held) == set()
    assert scene.glances > 0
    assert scene.underway == set()


def test_database_logs_and_spool_hold_nothing_secret(scene: Scene) -> None:
    """Also not the spool as it was when the whole upload was in it."""
    wanted = {**scene.wanted.cells, **scene.wanted.keys, **scene.wanted.passwords}
    with scene.world.browser() as browser:
        wrong = {
            "email": "bob@example.org",
            "password": scene.wanted.passwords["password of bob"][0].decode()[1:],
        }
        refused = browser.post("/api/login", json=wrong).json()["id"]
    database, log = scene.files(scene.world.data), [scene.world.log.read_bytes()]
    assert find({name: written(name) for name in (FILE, TABLE)}, database) == {FILE, TABLE}
    assert find({refused: written(refused)}, log), "the log tells of refusals"
    spool = scene.files(scene.spool)
    parcel = max(spool, key=len)
    assert len(parcel) > len(scene.told.planes) // 2, "the spool held the whole table"
    assert parcel in scene.front.sent(), "and what it held is what was sent"
    for place in (database, log, spool):
        assert find(wanted, place) == set()


def test_neither_people_nor_servers_send_the_portal_anything_secret(scene: Scene) -> None:
    """But passwords, which come in once and go nowhere."""
    sent, answered = [scene.front.sent()], [scene.front.answered()]
    asked = [recorder.sent() for recorder in scene.back]
    told = [recorder.answered() for recorder in scene.back]
    secret = {**scene.wanted.cells, **scene.wanted.keys}
    passwords = scene.wanted.passwords
    # The administrator was not part of it.
    used = set(passwords) - {"password of administrator"}
    assert find(passwords, sent) == used, "the search finds what is there"
    assert find({FILE: written(FILE)}, answered)
    assert all(find({"route": [b"/v1/sealed"]}, [each]) for each in asked)
    assert all(find({"status": [b"HTTP/1.1 200"]}, [each]) for each in told)
    assert find(secret, sent) == set()
    for place in (answered, asked, told):
        assert find({**secret, **passwords}, place) == set()


def test_a_search_finds_every_form_in_every_place(scene: Scene) -> None:
    """Each marker, planted in each of its forms, is found: nothing above holds because a search is blind."""
    for wanted in (scene.wanted.cells, scene.wanted.keys, scene.wanted.passwords):
        for name, forms in wanted.items():
            assert all(len(form) >= 7 for form in forms), name
            assert all(find({name: forms}, [b"before" + form + b"after"]) for form in forms)


def test_the_memory_of_another_process_is_really_read() -> None:
    """A child that keeps a text it was told: the text is found."""
    marker = secrets.token_hex(16)
    code = "import sys; kept = sys.stdin.readline(); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(marker + "\n")
        child.stdin.flush()
        child.stdout.readline()
        held = memory_of(child.pid)
    assert find({marker: written(marker)}, held)


def test_a_cell_that_somebody_tells_the_portal_is_found(scene: Scene) -> None:
    """The last test: a comment with cells and part of a plane in it spoils memory, database and recording."""
    plane = next(name.removeprefix("plane ") for name in scene.wanted.cells if name.startswith("plane "))
    form = {
        "text": f"Why is {CITIES[0]} among {NUMBERS[0]}? {base64.b64encode(bytes.fromhex(plane)).decode()}"
    }
    wanted = {name: scene.wanted.cells[name] for name in (f"cell {CITIES[0]}", f"cell {NUMBERS[0]}")}
    wanted["plane"] = encoded(bytes.fromhex(plane))
    with closing(scene.world.visit("bob")) as browser:
        browser.base_url = f"http://localhost:{scene.front.port}"
        browser.post(f"/api/requests/{scene.told.open}/comments", json=form).raise_for_status()
    for place in (memory_of(scene.world.portal), scene.files(scene.world.data), [scene.front.sent()]):
        assert find(wanted, place) == set(wanted)
