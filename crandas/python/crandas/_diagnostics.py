"""What to attach to a question for help."""

from __future__ import annotations

import platform
import sys
from os import PathLike

_PACKAGES = ("crandas", "numpy", "pandas", "tqdm")


def show_versions() -> None:
    """Prints the versions of crandas and of what it runs on."""
    from importlib.metadata import PackageNotFoundError, version

    print(f"python    {platform.python_version()} ({sys.platform}, {platform.machine()})")
    for package in _PACKAGES:
        try:
            print(f"{package:9} {version(package)}")
        except PackageNotFoundError:
            print(f"{package:9} not installed")


def check_connection(connection_file: str | PathLike[str] | None = None) -> None:
    """Connects to the three servers and prints which they are and in which mode they run.

    Leaves the session in use as it is.

    Raises:
        ConnectionFileError: no such file, or not a connection file.
        ConnectionLostError: a server does not answer.
    """
    import warnings

    from crandas.base import Session
    from crandas.errors import DesignModeWarning

    session = Session()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignModeWarning)
        session.connect(connection_file)
    print(f"mode         {session.mode}\nenvironment  {session.environment}")
    for number, endpoint in enumerate(session.endpoints):
        print(f"server {number}     {endpoint}")
