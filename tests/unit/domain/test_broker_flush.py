"""A message of many bytes for many receivers: what it may not do to the others."""

import pytest

from app.domain.dataplane.constants import FLUSH_BYTES
from app.domain.dataplane.seam import MakePlane
from app.domain.events import ServerFailure
from app.domain.limits import Limits
from tests.support.virtual_broker import VirtualBroker, VirtualClient

SIZE = 1_000_000
LARGEST = Limits().max_payload
RECEIVERS = 3 * FLUSH_BYTES // SIZE
BULK = b"PUB bulk %d\r\n%b\r\n" % (SIZE, SIZE * b"x")
MESSAGE = b"MSG bulk 1 %d\r\n%b\r\n" % (SIZE, SIZE * b"x")
PING, PONG = b"PING\r\n", b"PONG\r\n"


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> VirtualBroker:
    return VirtualBroker(make_plane)


def crowd(server: VirtualBroker) -> list[VirtualClient]:
    """Receivers for whom there is more than one slice of work."""
    receivers = [server.connect(quiet=True) for _ in range(RECEIVERS)]
    for receiver in receivers:
        receiver.send(b"SUB bulk 1\r\n")
    return receivers


def test_all_arrives(server: VirtualBroker) -> None:
    """Each receiver gets the whole message before the publisher is answered."""
    receivers, publisher = crowd(server), server.connect(quiet=True)

    publisher.send(BULK * 2 + PING)

    assert [MESSAGE * 2] * RECEIVERS == [receiver.heard() for receiver in receivers]
    assert PONG == publisher.heard()


def test_others_are_served_meanwhile(server: VirtualBroker) -> None:
    """Before the last receiver has its message somebody else is answered, and the publisher is not read."""
    receivers, publisher, other = crowd(server), server.connect(quiet=True), server.connect(quiet=True)

    publisher.wire.feed(BULK + PING)
    other.wire.feed(PING)
    served = [receiver.heard() == MESSAGE for receiver in receivers]
    early = (other.heard(), publisher.heard(), publisher.wire.paused)
    server.settle()

    assert (PONG, b"", True) == early
    assert (True, False) == (served[0], served[-1])
    assert MESSAGE == receivers[-1].heard()
    assert (PONG, False) == (publisher.heard(), publisher.wire.paused)


def test_the_largest_message(server: VirtualBroker) -> None:
    """A message of the largest size congests nobody by itself, not even after another one."""
    receivers, publisher = crowd(server), server.connect(quiet=True)
    largest = b"PUB bulk %d\r\n%b\r\n" % (LARGEST, LARGEST * b"x")

    publisher.send(largest)
    for receiver in receivers:
        receiver.heard()
    publisher.wire.feed(largest)
    served = sum(bool(receiver.heard()) for receiver in receivers)

    assert 0 < served < RECEIVERS


def test_several_publishers_wait(server: VirtualBroker) -> None:
    """All of those who have filled the queue are read again, one after the other."""
    receivers, publishers = crowd(server), [server.connect(quiet=True) for _ in range(3)]

    for publisher in publishers:
        publisher.wire.feed(BULK)
    server.settle()

    assert [MESSAGE * 3] * RECEIVERS == [receiver.heard() for receiver in receivers]
    assert [PONG] * 3 == [publisher.ask(PING) for publisher in publishers]


def test_a_receiver_that_is_closed_meanwhile(server: VirtualBroker) -> None:
    """Who is closed in good order gets what was on its way, before the farewell."""
    receivers, publisher = crowd(server), server.connect(quiet=True)

    publisher.wire.feed(BULK)
    receivers[-1].wire.feed(b"GARBAGE\r\n")

    assert receivers[-1].heard().startswith(MESSAGE + b"-ERR 'Unknown Protocol Operation'\r\n")


def test_a_publisher_that_leaves_meanwhile(server: VirtualBroker) -> None:
    """Its message arrives all the same, and nothing waits for it."""
    receivers, publisher = crowd(server), server.connect(quiet=True)

    publisher.wire.feed(BULK)
    publisher.leave()

    assert [MESSAGE] * RECEIVERS == [receiver.heard() for receiver in receivers]
    assert 0 == server.clock.calls_pending


def test_lines_of_the_control_plane(server: VirtualBroker) -> None:
    """A line that is sent while much waits is sent, and the rest after it as well."""
    crowded, other = [server.connect() for _ in range(RECEIVERS)], server.connect()

    for client in crowded:
        client.connection.outbox.send(MESSAGE)
    other.connection.send(PONG)
    server.settle()

    assert [MESSAGE] * RECEIVERS == [client.heard() for client in crowded]
    assert PONG == other.heard()


def test_the_end(server: VirtualBroker) -> None:
    """A server that ends sends all that waits, however much it is, before it closes anybody."""
    clients, ended = [server.connect() for _ in range(RECEIVERS)], []

    for client in clients:
        client.connection.outbox.send(MESSAGE)
    before = server.broker.is_over
    server.broker.shutdown(lambda: ended.append(True))
    server.advance(1.0)

    assert (False, True) == (before, server.broker.is_over)
    assert [True] == ended
    assert [(MESSAGE, True)] * RECEIVERS == [(client.heard(), client.wire.closed) for client in clients]


def test_a_flush_that_fails(server: VirtualBroker) -> None:
    """It is reported, and what was left is handed over all the same."""
    receivers, publisher = crowd(server), server.connect(quiet=True)
    publisher.wire.feed(BULK)
    clock = server.broker.plane.clock

    def stumble() -> float:
        if fails.pop():
            raise MemoryError
        return clock()

    fails = [False] * 100 + [True]
    server.broker.plane.clock = stumble
    server.settle()

    assert [MESSAGE] * RECEIVERS == [receiver.heard() for receiver in receivers]
    assert 1 == len(server.events.of(ServerFailure))
