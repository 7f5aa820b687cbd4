"""JetStream to try, for each twin."""

import pytest

from app.domain.dataplane.seam import MakePlane
from tests.support.virtual_jetstream import VirtualJetStream


@pytest.fixture(name="js")
def _js(make_plane: MakePlane) -> VirtualJetStream:
    """A server with streams in memory, and nothing in it."""
    return VirtualJetStream(make_plane)
