"""How the demo looks in a terminal: chapters, commands, what they print, results, refusals."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 108


class Page:
    """Writes to standard output, in colour where there is somebody to see it."""

    def __init__(self) -> None:
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._started = time.monotonic()
        self._chapter = 0

    def chapter(self, title: str) -> None:
        """A new part of the story."""
        self._chapter += 1
        seconds = time.monotonic() - self._started
        self._line()
        self._line(
            self._paint("1;34", f"{self._chapter}. {title}") + self._paint("2", f"   [{seconds:.1f} s]")
        )

    def say(self, text: str) -> None:
        """One sentence of the narrator."""
        for line in textwrap.wrap(text, WIDTH - 3):
            self._line(f"   {line}")

    def detail(self, text: str) -> None:
        """Something one need not read."""
        self._line(self._paint("2", f"   {text}"))

    def command(self, *words: str) -> None:
        """What a user types."""
        self._line(self._paint("1", f"   $ {' '.join(words)}"))

    def output(self, text: str) -> None:
        """What the machine says to it."""
        for line in text.rstrip().splitlines():
            indent = " " * (len(line) - len(line.lstrip()) + 2)
            for part in textwrap.wrap(line, WIDTH - 5, subsequent_indent=indent) or [""]:
                self._line(self._paint("2", f"   | {part}"))

    def result(self, what: str, value: float) -> None:
        """A number worth the whole effort."""
        self._line(f"   {what + ':':<52}" + self._paint("1;32", f"{value:.12f}"))

    def table(self, frame: pd.DataFrame, where: str) -> None:
        """Opened rows."""
        self.say(f"{where}:")
        for line in frame.to_string(index=False).splitlines():
            self._line(self._paint("32", f"     {line}"))

    def refusal(self, kind: str, message: str) -> None:
        """An error as the user sees it."""
        self._line(self._paint("1;31", f"   {kind}"))
        for line in message.splitlines():
            # Wide tables stand as they are; sentences are folded.
            parts = [line] if "  " in line else textwrap.wrap(line, WIDTH - 5)
            for part in parts or [""]:
                self._line(self._paint("31", f"   | {part}"))

    def close(self, text: str) -> None:
        """The last line."""
        self._line()
        self._line(self._paint("1", text))

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def _line(self, text: str = "") -> None:
        print(text, flush=True)
