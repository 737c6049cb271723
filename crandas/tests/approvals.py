"""Two approvers, an analyst and a data provider, as they use the command line."""

from __future__ import annotations

import subprocess
from pathlib import Path

ENVIRONMENT = "collaboration"


class Approvers:
    def __init__(self, vdl: Path, folder: Path) -> None:
        self.vdl = vdl
        self.folder = folder
        for who in ("alice", "bob", "analyst", "provider", "stranger"):
            self.run("keygen", folder / f"{who}.sk", folder / f"{who}.pk")

    def run(self, *arguments: str | Path) -> str:
        command = [str(self.vdl), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def approve(
        self, script: Path, *extra: str, analyst: str = "analyst", by: tuple[str, ...] = ("alice", "bob")
    ) -> Path:
        """Signed by everybody in `by`; gives back the `.approved` file."""
        approved = script.with_suffix(".approved")
        approved.unlink(missing_ok=True)
        source = script
        for who in by:
            first = ["--environment", ENVIRONMENT, *extra] if source is script else []
            keys = ["--key", str(self.folder / f"{who}.sk"), "--analyst", str(self.folder / f"{analyst}.pk")]
            self.run("approve", source, *keys, "--output", approved, *first)
            source = approved
        return approved

    def any_upload(self, analyst: str = "provider") -> Path:
        """An authorization for uploads of any kind."""
        script = self.folder / f"{analyst}-uploads.json"
        script.write_text(self.run("template", "any-upload"))
        return self.approve(script, analyst=analyst)
