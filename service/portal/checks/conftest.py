"""What the tests share: one portal over TLS on which something has happened."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from story import SURVEY, Analyst, Told, pem, tell
from world import World


@pytest.fixture(scope="session")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Told]]:
    """A portal, and the ids of what is in it."""
    world = World(tmp_path_factory.mktemp("portal") / "vdl", tls=True)
    try:
        yield (
            world,
            tell(world, world.origin, SURVEY, Analyst(pem(bytes(range(32))), "seven quiet herons 88")),
        )
    finally:
        world.stop()
