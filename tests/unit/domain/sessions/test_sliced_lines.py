"""Many lines for one connection, a slice at a time."""

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.sessions import sliced_lines
from app.domain.sessions.sliced_lines import send_sliced
from tests.support.virtual_broker import VirtualBroker

SIZE = 3


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sliced_lines, "SLICE", SIZE)


@pytest.mark.parametrize("count", [0, 1, SIZE, SIZE + 1, 3 * SIZE])
def test_lines_are_made_when_their_turn_comes(make_plane: MakePlane, count: int) -> None:
    """The first slice is sent at once, the others in later turns; then the caller hears of the end, once."""
    server = VirtualBroker(make_plane)
    client = server.connect(quiet=True)
    lines, done = iter([b"%d\r\n" % number for number in range(count)]), list[str]()

    send_sliced(client.connection, server.clock, lines, lambda: done.append("done"))
    first = client.heard()
    server.advance(1.0)

    assert min(count, SIZE) == first.count(b"\n")
    assert b"".join(b"%d\r\n" % number for number in range(count)) == first + client.heard()
    assert ["done"] == done


def test_a_peer_that_takes_nothing_waits_for_more(
    make_plane: MakePlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is made while much is pending, and none at all when the connection is closed."""
    monkeypatch.setattr(sliced_lines, "ENOUGH", 0)
    server = VirtualBroker(make_plane)
    client = server.connect(quiet=True)
    left, done = list(range(10)), list[str]()
    client.wire.stall()

    send_sliced(
        client.connection, server.clock, (b"%d\r\n" % left.pop() for _ in range(10)), lambda: done.append("")
    )
    server.advance(sliced_lines.PATIENCE * 3)
    waiting = len(left)
    client.wire.lose()
    server.advance(1.0)

    assert (10 - SIZE, 10 - SIZE, []) == (waiting, len(left), done)
