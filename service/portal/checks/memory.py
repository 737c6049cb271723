"""The memory of another process of the same user, as a debugger sees it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

PAGE = 4096
# Of an entry of pagemap: in memory, or swapped out.
PRESENT = 0xC000_0000_0000_0000
MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S+)")


def writable_memory(process: int) -> Iterator[bytes]:
    """What the process could have written to, heap and stacks and shared pages, without pages never touched.

    Raises PermissionError where the kernel forbids to look.
    """
    folder = Path("/proc") / str(process)
    with (
        (folder / "mem").open("rb", buffering=0) as memory,
        (folder / "pagemap").open("rb", buffering=0) as pages,
    ):
        for line in (folder / "maps").read_text().splitlines():
            found = MAPPING.match(line)
            if found is None or "w" not in found[3]:
                continue
            yield from stretches(memory, pages, int(found[1], 16), int(found[2], 16))


def stretches(memory: FileIO, pages: FileIO, start: int, end: int) -> Iterator[bytes]:
    """What was touched between two addresses, neighbouring pages together."""
    pages.seek(start // PAGE * 8)
    count = (end - start) // PAGE
    entries = memoryview(pages.read(8 * count)).cast("Q")
    first: int | None = None
    for number in range(count + 1):
        present = number < len(entries) and entries[number] & PRESENT
        if present and first is None:
            first = number
        if not present and first is not None:
            memory.seek(start + first * PAGE)
            # The process goes on, and may have given pages back.
            with contextlib.suppress(OSError):
                yield memory.read((number - first) * PAGE)
            first = None
