"""Work that takes more than a turn: others are served meanwhile, and the peer waits."""

import json
from collections.abc import Iterator

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.protocol.compatibility import Compatibility
from app.domain.sessions.in_turns import RECEIVERS_AT_ONCE, in_turns
from tests.fakes.clock import TickingClock
from tests.support.virtual_broker import BrokerSetup, VirtualBroker, VirtualClient

COUNT = 3 * RECEIVERS_AT_ONCE
CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"echo":%b}\r\n'
BLOCK = b"NATS/1.0\r\nNats-Trace-Dest:t\r\n\r\n"
TRACED = b"HPUB a %d %d\r\n%bhi\r\n" % (len(BLOCK), len(BLOCK) + 2, BLOCK)


class SlowBroker(VirtualBroker):
    """One for which each step takes longer than a turn, with many who listen, and a reader of events."""

    def __init__(self, make_plane: MakePlane) -> None:
        clock = TickingClock()
        super().__init__(make_plane, setup=BrokerSetup(clock=clock, compatibility=Compatibility.CURRENT))
        self.receiver, self.reader = self.client(COUNT), self.client()
        self.reader.send(b"SUB t 1\r\n")
        clock.pace = 0.01

    def client(self, count: int = 0, *, echo: bool = True) -> VirtualClient:
        """One that has this number of subscriptions."""
        client = self.connect()
        client.send(CONNECT % (b"true" if echo else b"false"))
        client.send(b"".join(b"SUB a %d\r\n" % sid for sid in range(count)))
        client.heard()
        return client

    def steps(self) -> list[int]:
        """How many each event has that came since."""
        self.settle()
        lines = self.reader.heard().split(b"\r\n")
        return [len(json.loads(line)["events"]) for line in lines if line.startswith(b"{")]


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> SlowBroker:
    return SlowBroker(make_plane)


def begin(publisher: VirtualClient, data: bytes) -> None:
    """Send this, and let one turn pass."""
    publisher.wire.feed(data)
    publisher.wire.pump(None)


def test_others_are_served_meanwhile(server: SlowBroker) -> None:
    """A traced message for many goes to some in each turn; what follows it comes after it."""
    publisher = server.client()

    begin(publisher, TRACED + b"PUB a 3\r\nbye\r\n")

    assert publisher.connection.waits
    server.settle()
    heard = server.receiver.heard()
    assert (COUNT, COUNT) == (heard.count(b"hi\r\n"), heard.count(b"bye\r\n"))
    assert heard.rindex(b"hi\r\n") < heard.index(b"bye\r\n")
    assert [1 + COUNT] == server.steps()
    assert not publisher.connection.waits


def test_a_defect_in_a_later_turn(server: SlowBroker) -> None:
    """It ends the peer; what was sent before it arrives without another event."""
    peer = server.client()

    def steps() -> Iterator[None]:
        yield
        server.broker.plane.deliver(b"t", b"t", b"", b"", b"hi")
        raise ValueError("a defect")

    in_turns(server.broker.sessions[peer.connection.cid], steps())
    server.settle()

    assert peer.connection.closed
    assert b"MSG t 1 2\r\nhi\r\n" == server.reader.heard()


def test_a_publisher_that_leaves(server: SlowBroker) -> None:
    """Its message is delivered and reported all the same."""
    publisher = server.client()
    begin(publisher, TRACED)

    publisher.leave()
    publisher.connection.close()

    assert [1 + COUNT] == server.steps()
    assert COUNT == server.receiver.heard().count(b"hi\r\n")


def test_a_receiver_that_leaves(server: SlowBroker) -> None:
    """It gets nothing more, and the event does not say that it did."""
    begin(server.client(), TRACED)

    server.receiver.leave()
    server.receiver.connection.close()

    assert [1 + RECEIVERS_AT_ONCE] == server.steps()


def test_a_publisher_without_echo(server: SlowBroker) -> None:
    """What it does not get itself is noted in turns, too."""
    publisher = server.client(COUNT, echo=False)

    begin(publisher, TRACED)

    assert [1 + 2 * COUNT] == server.steps()
    assert b"" == publisher.heard()
