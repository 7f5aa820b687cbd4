"""The wire of a local client: it takes apart what it is sent, whole and in pieces."""

from collections.abc import Callable

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.sessions.local_client import LocalClient
from app.domain.sessions.local_wire import LocalMessage
from tests.support.virtual_broker import VirtualBroker

WRITTEN = b"PONG\r\nMSG a 1 0\r\n\r\n+OK\r\nMSG b 2 reply 6\r\nM\r\nSG \r\nMSG a 3 1\r\nx\r\n"
WRITTEN += b"HMSG c 3 r 12 14\r\nNATS/1.0\r\n\r\nhi\r\nHMSG c 1 12 12\r\nNATS/1.0\r\n\r\n\r\n"
BLOCK = b"NATS/1.0\r\n\r\n"
MESSAGES = [
    (b"a", b"1", None, b"", b""),
    (b"b", b"2", b"reply", b"M\r\nSG ", b""),
    (b"a", b"3", None, b"x", b""),
    (b"c", b"3", b"r", b"hi", BLOCK),
    (b"c", b"1", None, b"", BLOCK),
]


def whole(write: Callable[[bytes], None], _settle: Callable[[], None]) -> None:
    """All at once."""
    write(WRITTEN)


def byte_by_byte(write: Callable[[bytes], None], settle: Callable[[], None]) -> None:
    """One byte per turn."""
    for at in range(len(WRITTEN)):
        write(WRITTEN[at : at + 1])
        settle()


@pytest.mark.parametrize("way", [whole, byte_by_byte])
def test_messages_are_found(
    make_plane: MakePlane, way: Callable[[Callable[[bytes], None], Callable[[], None]], None]
) -> None:
    """Messages are delivered once they are complete; other lines are passed over."""
    server = VirtualBroker(make_plane)
    local = server.broker.connect_local("x")
    got: list[LocalMessage] = []
    for subject in (b"unused", b"unused", b"unused"):
        local.subscribe(subject, got.append)

    way(local.connection.wire.write, server.settle)
    server.settle()

    assert MESSAGES == got
    assert 0 == local.connection.wire.pending()


def test_an_incomplete_message_waits(make_plane: MakePlane) -> None:
    """What is incomplete is kept, and counts as pending."""
    server = VirtualBroker(make_plane)
    local = server.broker.connect_local("x")
    wire = local.connection.wire

    wire.writelines([b"MSG a 1 5\r\n", b"12"])
    server.settle()

    assert (13, 0, None, "local:0") == (wire.pending(), wire.untaken(), wire.security, str(wire.peer))


def test_a_large_publication_is_fed_in_pieces(make_plane: MakePlane) -> None:
    """More than fits a read is processed in several turns, and nothing while the wire is paused."""
    server = VirtualBroker(make_plane)
    local: LocalClient = server.broker.connect_local("x")
    client = server.connect(quiet=True)
    client.send(b"SUB a 1\r\n")
    payload = 700_000 * b"x"

    local.connection.wire.pause()
    local.publish(b"a", payload)
    server.settle()
    paused = local.waiting
    local.connection.wire.resume()
    server.settle()

    assert (len(b"PUB a 700000\r\n") + len(payload) + 2, 0) == (paused, local.waiting)
    assert b"MSG a 1 700000\r\n" + payload + b"\r\n" == client.heard()


def test_nothing_after_the_end(make_plane: MakePlane) -> None:
    """A wire that was aborted takes nothing, and reports its end once."""
    server = VirtualBroker(make_plane)
    local = server.broker.connect_local("x")
    wire = local.connection.wire

    local.connection.abort()
    wire.write(b"PONG\r\n")
    server.settle()
    wire.resume()
    server.settle()

    assert (0, 0) == (wire.pending(), server.broker.wires.left)
