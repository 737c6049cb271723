"""`check_connection.py [CONNECTION]`: whether the three servers answer, and in which mode."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from crandas._diagnostics import check_connection
from crandas.errors import CrandasError


def main(arguments: Sequence[str] | None = None) -> int:
    """Connects as `crandas.connect` would and prints what the servers say of themselves."""
    parser = argparse.ArgumentParser(prog="check_connection.py", description=main.__doc__)
    parser.add_argument("connection_file", nargs="?", help="name or path; otherwise the default one")
    given = parser.parse_args(arguments)
    try:
        check_connection(given.connection_file)
    except (CrandasError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
