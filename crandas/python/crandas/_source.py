"""Which line of the user's program a command came from."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from types import FrameType

_PACKAGE = str(Path(__file__).parent)
_LONGEST = 200


def user_frame() -> FrameType | None:
    """The nearest frame that is not part of this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return frame


def source_line() -> str | None:
    """Its text, as an approver will read it beside the command; None where there is none."""
    frame = user_frame()
    if frame is None:
        return None
    path = frame.f_code.co_filename
    text = linecache.getline(path, frame.f_lineno, frame.f_globals).strip()[:_LONGEST]
    if not text:
        return None
    # A notebook's cell lies in a file of a passing name, which would tell an approver nothing.
    return f"{Path(path).name}:{frame.f_lineno}: {text}" if path.endswith(".py") else text


def stack_level() -> int:
    """What `warnings.warn` needs as stacklevel, called in the caller's place, to point at the user's line."""
    level = 1
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
        level += 1
    return level
