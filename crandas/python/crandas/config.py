"""Where crandas keeps its files, and the few things that can be set.

The folder is `$CRANDAS_HOME`, else `$XDG_CONFIG_HOME/crandas`, else `~/.config/crandas`. It holds connection
files (`*.vdlconn`), the analyst's key (`analyst.sk`) and `settings.toml`. A setting is taken from code, else
from the environment (`CRANDAS_SHOW_PROGRESS_BAR=false`), else from `settings.toml`, else its default.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from crandas.errors import CrandasError

_DEFAULTS: dict[str, Any] = {
    "show_progress_bar": True,
    "auto_bounds": None,
    "default_connection_file": "default.vdlconn",
}
_WORDS = {
    "true": True,
    "1": True,
    "yes": True,
    "false": False,
    "0": False,
    "no": False,
    "": None,
    "none": None,
}


def folder() -> Path:
    """The configuration folder; it need not exist."""
    if home := os.environ.get("CRANDAS_HOME"):
        return Path(home).expanduser()
    if xdg := os.environ.get("XDG_CONFIG_HOME"):
        return Path(xdg).expanduser() / "crandas"
    return Path.home() / ".config" / "crandas"


class Settings:
    """The settings in force.

    Attributes:
        show_progress_bar: whether long steps show how far they are.
        auto_bounds: True accepts derived bounds without a warning, for every upload.
        default_connection_file: the connection file that is used when none is named.
    """

    show_progress_bar: bool
    auto_bounds: bool | None
    default_connection_file: str

    def __getattr__(self, name: str) -> Any:
        # Reached only for what was not set from code.
        if name not in _DEFAULTS:
            raise AttributeError(f"there is no setting {name!r}; there are: {', '.join(_DEFAULTS)}")
        written = os.environ.get(f"CRANDAS_{name.upper()}")
        if written is None:
            return _from_file().get(name, _DEFAULTS[name])
        if name == "default_connection_file":
            return written
        if written.strip().lower() not in _WORDS:
            raise CrandasError(f"CRANDAS_{name.upper()} must be true or false")
        return _WORDS[written.strip().lower()]

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _DEFAULTS:
            raise AttributeError(f"there is no setting {name!r}; there are: {', '.join(_DEFAULTS)}")
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return list(_DEFAULTS)

    def __repr__(self) -> str:
        return "\n".join(f"{name} = {getattr(self, name)!r}" for name in _DEFAULTS)


def _from_file() -> dict[str, Any]:
    path = folder() / "settings.toml"
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise CrandasError(f"{path} is not a settings file: {error}") from None


settings = Settings()
