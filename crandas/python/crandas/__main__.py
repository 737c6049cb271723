"""`python -m crandas config`: makes the configuration folder and says where it is."""

from __future__ import annotations

import sys

from crandas import config, show_versions

match sys.argv[1:]:
    case ["config"]:
        folder = config.folder()
        folder.mkdir(parents=True, exist_ok=True)
        print(folder)
    case ["versions"] | []:
        show_versions()
    case _:
        sys.exit("usage: python -m crandas [config | versions]")
