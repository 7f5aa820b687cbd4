"""Messages that deliver hooks see: each receiver for itself."""

from functools import partial

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.hooks.decisions import Refuse, Rewrite
from app.domain.hooks.hook_event import HookEvent, HookPoint
from app.domain.sessions.hooked_delivery import RECEIVERS_AT_ONCE
from tests.fakes.clock import TickingClock
from tests.fakes.hook_caller import LATER, FakeHookCaller, terms
from tests.support.hooked_broker import CONNECT, HookedBroker
from tests.support.virtual_broker import BrokerSetup, VirtualBroker, VirtualClient
from tests.support.virtual_cluster import GREATER_ID, RoutedBrokerOfToday

DELIVER = HookPoint.DELIVER


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> HookedBroker:
    """With deliver hooks."""
    return HookedBroker(make_plane, DELIVER)


def test_each_receiver_for_itself(server: HookedBroker) -> None:
    """One gets the message, one nothing, one another message; the publisher hears of none of it."""
    first, second, third = (server.client(name, b"SUB h.* 1\r\n") for name in (b"a", b"b", b"c"))
    answers = {"a": None, "b": Refuse("no"), "c": Rewrite("z", b"new")}
    server.hooks.decide = lambda _point, event: answers[event.client.name]

    publisher = server.client(b"p")
    assert b"" == publisher.ask(b"PUB h.x re 2\r\nhi\r\n")

    assert b"MSG h.x 1 re 2\r\nhi\r\n" == first.heard()
    assert b"" == second.heard()
    assert b"MSG z 1 re 3\r\nnew\r\n" == third.heard()
    assert ["h.x"] * 3 == [event.subject for event in server.hooks.seen(DELIVER)]
    assert (1, 2) == (server.broker.plane.in_msgs, server.broker.plane.out_msgs)


def test_queue_groups(server: HookedBroker) -> None:
    """Hooks see the member that was drawn, and its group; a refusal passes it to no other."""
    members = [server.client(b"m", b"SUB h.x q 1\r\n") for _ in range(3)]
    server.hooks.decide = lambda _point, _event: Refuse()

    server.client(b"p", b"PUB h.x 0\r\n\r\nPUB a 0\r\n\r\n")

    (event,) = server.hooks.seen(DELIVER)
    assert "q" == event.queue
    assert [b""] * 3 == [member.heard() for member in members]


def test_other_subjects_are_not_seen(server: HookedBroker) -> None:
    """A subscription that covers both kinds gets all, in order."""
    receiver = server.client(b"r", b"SUB > 1\r\n")

    server.client(b"p", b"PUB a 1\r\n1\r\nPUB h.x 1\r\n2\r\nPUB a 1\r\n3\r\n")

    assert b"MSG a 1 1\r\n1\r\nMSG h.x 1 1\r\n2\r\nMSG a 1 1\r\n3\r\n" == receiver.heard()
    assert 1 == len(server.hooks.events)


def test_late_answers(server: HookedBroker) -> None:
    """The publisher waits for all of them; receivers get the message in order, then what comes after it."""
    first, second = (server.client(name, b"SUB > 1\r\n") for name in (b"a", b"b"))
    server.hooks.decide = lambda _point, event: LATER if event.client.name == "a" else None
    publisher, other = server.client(b"p"), server.client(b"o")

    publisher.send(b"PUB h.x 1\r\n1\r\nPUB a 1\r\n2\r\n")
    other.send(b"PUB a 1\r\n9\r\n")

    assert [b"MSG a 1 1\r\n9\r\n"] * 2 == [first.heard(), second.heard()]
    server.answer()
    assert [b"MSG h.x 1 1\r\n1\r\nMSG a 1 1\r\n2\r\n"] * 2 == [first.heard(), second.heard()]
    assert not publisher.connection.waiting


def test_many_receivers(server: HookedBroker) -> None:
    """Hooks are asked about a bounded number at once."""
    count = 2 * RECEIVERS_AT_ONCE + 1
    receivers = [server.client(b"r", b"SUB h.x 1\r\n") for _ in range(count)]
    server.hooks.decide = lambda _point, _event: LATER

    server.client(b"p", b"PUB h.x 0\r\n\r\n")

    while server.hooks.pending:
        assert RECEIVERS_AT_ONCE >= len(server.hooks.pending)
        server.answer()
    assert [b"MSG h.x 1 0\r\n\r\n"] * count == [receiver.heard() for receiver in receivers]


def test_many_receivers_take_several_turns(make_plane: MakePlane) -> None:
    """Others are served in between."""
    clock, hooks = TickingClock(), FakeHookCaller()
    setup = BrokerSetup(clock=clock, hooks=(terms(DELIVER), hooks))
    server = VirtualBroker(make_plane, setup=setup)
    receivers = [server.connect(quiet=True) for _ in range(2 * RECEIVERS_AT_ONCE + 1)]
    for receiver in receivers:
        receiver.send(b"SUB h.x 1\r\n")
    publisher = server.connect(quiet=True)
    clock.pace = 0.001

    publisher.wire.feed(b"PUB h.x 0\r\n\r\n")
    assert RECEIVERS_AT_ONCE == len(hooks.events)
    clock.pace = 0.0
    server.settle()

    assert {b"MSG h.x 1 0\r\n\r\n"} == {receiver.heard() for receiver in receivers}


def test_a_publisher_that_is_lost(server: HookedBroker) -> None:
    """What hooks have not answered yet is not delivered."""
    receiver = server.client(b"r", b"SUB h.x 1\r\n")
    server.hooks.decide = lambda _point, _event: LATER
    publisher = server.client(b"p", b"PUB h.x 0\r\n\r\n")

    publisher.leave()
    server.answer()

    assert b"" == receiver.heard()


def test_a_receiver_that_left_meanwhile(server: HookedBroker) -> None:
    """It gets nothing, and disturbs nobody."""
    receiver, other = (server.client(b"r", b"SUB h.x 1\r\n") for _ in range(2))
    server.hooks.decide = lambda _point, _event: LATER
    server.client(b"p", b"PUB h.x 0\r\n\r\n")

    receiver.leave()
    server.answer()
    server.answer()

    assert b"MSG h.x 1 0\r\n\r\n" == other.heard()


def test_nobody_gets_a_request(server: HookedBroker) -> None:
    """Where hooks refuse all receivers the requester learns that nobody serves it."""
    server.client(b"r", b"SUB h.x 1\r\n")
    server.hooks.decide = lambda _point, _event: Refuse()
    requester = server.client(b"p", b"SUB re 9\r\n")

    heard = requester.ask(b"PUB h.x re 0\r\n\r\n")

    assert heard.startswith(b"HMSG re 9 ")


def test_no_echo_and_verbose(server: HookedBroker) -> None:
    """A publisher without echo is no receiver, and a verbose one gets its +OK."""
    connect = b'CONNECT {"verbose":true,"echo":false}\r\n'
    publisher = server.client(b"", b"SUB h.x 1\r\n", connect)
    receiver = server.client(b"r", b"SUB h.x 1\r\n")

    assert b"+OK\r\n" == publisher.ask(b"PUB h.x 0\r\n\r\n")
    assert b"MSG h.x 1 0\r\n\r\n" == receiver.heard()
    assert ["r"] == [event.client.name for event in server.hooks.seen(DELIVER)]


def test_after_publish_hooks(make_plane: MakePlane) -> None:
    """Deliver hooks see what publish hooks made of the message."""
    server = HookedBroker(make_plane, HookPoint.PUBLISH, DELIVER)
    receiver = server.client(b"r", b"SUB > 1\r\n")
    server.hooks.decide = lambda point, event: Rewrite(data=event.data + point.value[:1].encode())

    server.client(b"p", b"PUB h.x 1\r\n.\r\n")

    assert b"MSG h.x 1 3\r\n.pd\r\n" == receiver.heard()


def test_after_publish_hooks_that_lead_elsewhere(make_plane: MakePlane) -> None:
    """On a subject that no pattern covers they see nothing."""
    server = HookedBroker(make_plane, HookPoint.PUBLISH, DELIVER)
    receiver = server.client(b"r", b"SUB > 1\r\n")
    server.hooks.decide = lambda _point, _event: Rewrite("a")

    server.client(b"p", b"PUB h.x 0\r\n\r\n")

    assert b"MSG a 1 0\r\n\r\n" == receiver.heard()
    assert [] == server.hooks.seen(DELIVER)


class Clustered:
    """A server with all hooks for messages, a client and a route."""

    def __init__(self, make_plane: MakePlane) -> None:
        self.hooks = FakeHookCaller()
        own = terms(HookPoint.PUBLISH, DELIVER), self.hooks
        self.server = RoutedBrokerOfToday(make_plane, hooks=own)
        self.route = self.server.joined(GREATER_ID)

    def client(self, lines: bytes) -> VirtualClient:
        """One that has sent these lines."""
        client = self.server.connect()
        client.send(CONNECT % b"c" + lines)
        client.heard()
        self.route.heard()
        return client

    def refuse(self, point: HookPoint) -> None:
        """Refuse at this point alone."""
        self.hooks.decide = partial(self._decide, point)

    @staticmethod
    def _decide(refused: HookPoint, point: HookPoint, _event: HookEvent) -> object:
        return Refuse() if point is refused else None


@pytest.fixture(name="clustered")
def _clustered(make_plane: MakePlane) -> Clustered:
    return Clustered(make_plane)


def test_messages_of_routes(clustered: Clustered) -> None:
    """Their publisher's server has asked its publish hooks; here deliver hooks decide for clients."""
    client = clustered.client(b"SUB h.x 1\r\nSUB h.x q 2\r\n")

    messages = b"MSG h.x RSID:2:1 1\r\n1\r\nMSG h.x QRSID:2:2 1\r\n2\r\n"
    clustered.route.send(messages + b"MSG h.x QRSID:9:9 1\r\n3\r\n")

    assert b"MSG h.x 1 1\r\n1\r\nMSG h.x 2 1\r\n2\r\n" == client.heard()
    assert ["", "q"] == [event.queue for event in clustered.hooks.seen(DELIVER)]
    assert [] == clustered.hooks.seen(HookPoint.PUBLISH)
    clustered.refuse(DELIVER)
    clustered.route.send(messages)
    assert b"" == client.heard()


def test_queue_members_of_other_subjects(clustered: Clustered) -> None:
    """Members whose pattern has no subject in common with hooks are not examined again each time."""
    client = clustered.client(b"SUB a q 1\r\nSUB > q 2\r\n")

    clustered.route.send(b"MSG a QRSID:2:1 1\r\n1\r\nMSG a QRSID:2:2 1\r\n2\r\n")

    assert b"MSG a 1 1\r\n1\r\nMSG a 2 1\r\n2\r\n" == client.heard()
    assert [] == clustered.hooks.events


def test_messages_for_routes(clustered: Clustered) -> None:
    """Other servers get what publish hooks let pass; whether their clients do is theirs to say."""
    clustered.route.send(b"SUB h.x RSID:1:1\r\n")
    clustered.refuse(DELIVER)
    client = clustered.client(b"SUB h.x 1\r\n")

    client.send(b"PUB h.x 1\r\n.\r\n")

    assert b"MSG h.x RSID:1:1 1\r\n.\r\n" == clustered.route.heard()
    assert b"" == client.heard()
    clustered.refuse(HookPoint.PUBLISH)
    client.send(b"PUB h.x 1\r\n.\r\n")
    assert b"" == clustered.route.heard()
