"""`generate_key.py SK PK`: a signing key and the verification key that belongs to it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from crandas import _engine
from crandas.errors import CrandasError


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes both keys as PEM files; refuses to overwrite anything."""
    parser = argparse.ArgumentParser(prog="generate_key.py", description=main.__doc__)
    parser.add_argument("signing_key", metavar="SK", help="secret; stays with its owner")
    parser.add_argument("verification_key", metavar="PK", help="public; goes to approvers and servers")
    given = parser.parse_args(arguments)
    try:
        _engine.generate_key(given.signing_key, given.verification_key)
    except (CrandasError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{given.signing_key}: keep secret\n{given.verification_key}: may be given to anybody")
    return 0


if __name__ == "__main__":
    sys.exit(main())
