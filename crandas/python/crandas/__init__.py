"""Tables on three servers, each of which holds only shares; pandas-like, and opened only where you say so.

import crandas as cd

people = cd.DataFrame({"id": [1, 2, 3], "age": [34, 58, 71]}, auto_bounds=True)
people[people["age"] > 40]["age"].mean()
"""

from __future__ import annotations

from crandas import base, config, ctypes, errors, groupby, script
from crandas._diagnostics import check_connection, show_versions
from crandas._upload import get_table, read_csv, upload_pandas_dataframe
from crandas.base import connect
from crandas.combine import concat, merge
from crandas.config import settings
from crandas.frame import DataFrame
from crandas.rules import Rules
from crandas.series import Series

__all__ = [
    "DataFrame",
    "Rules",
    "Series",
    "base",
    "check_connection",
    "concat",
    "config",
    "connect",
    "ctypes",
    "errors",
    "get_table",
    "groupby",
    "merge",
    "read_csv",
    "script",
    "settings",
    "show_versions",
    "upload_pandas_dataframe",
]


def __getattr__(name: str) -> str:
    if name == "__version__":
        # Looked up when asked for: it takes a tenth of all the time that importing takes.
        from importlib.metadata import version

        return version("crandas")
    raise AttributeError(f"module 'crandas' has no attribute {name!r}")
