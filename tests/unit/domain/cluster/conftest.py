"""What the tests of the cluster share: one server of it, and its log."""

import pytest

from app.domain.dataplane.seam import MakePlane
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_cluster import RoutedBroker


@pytest.fixture(name="events")
def _events() -> RecordingEventLog:
    """Keeps all but traces."""
    return RecordingEventLog(trace=False)


@pytest.fixture(name="server")
def _server(make_plane: MakePlane, events: RecordingEventLog) -> RoutedBroker:
    """A server that has nobody to dial and lets everybody in."""
    return RoutedBroker(make_plane, events=events)
