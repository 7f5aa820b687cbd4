"""Messages that publish hooks see: what becomes of them, and that the others are served as ever."""

import pytest

from app.domain.dataplane.seam import Hook, HookedMessage, MakePlane
from app.domain.hooks.decisions import Refuse, Rewrite
from app.domain.hooks.events import HookRefused
from app.domain.hooks.hook_event import HookEvent, HookPoint
from app.domain.limits import Limits
from app.domain.permissions.rules import Permissions, Rule, entry
from tests.fakes.hook_caller import LATER
from tests.fakes.single_user import SingleUser
from tests.support.hooked_broker import HookedBroker

PUBLISH = HookPoint.PUBLISH
VERBOSE = b'CONNECT {"verbose":true,"pedantic":false}\r\n'


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> HookedBroker:
    """With publish hooks."""
    return HookedBroker(make_plane, PUBLISH)


def test_only_subjects_of_the_patterns_are_seen(server: HookedBroker) -> None:
    """The others go on as they came, and all arrive in order."""
    receiver = server.client(b"r", b"SUB > 1\r\n")
    publisher = server.client(b"p")

    headed = b"18 19\r\nNATS/1.0\r\na: b\r\n\r\n3\r\n"
    publisher.send(b"PUB a 1\r\n1\r\nPUB h.x re 1\r\n2\r\nHPUB h.y " + headed + b"PUB h 1\r\n4\r\n")

    plain = b"MSG a 1 1\r\n1\r\nMSG h.x 1 re 1\r\n2\r\n"
    assert plain + b"HMSG h.y 1 " + headed + b"MSG h 1 1\r\n4\r\n" == receiver.heard()
    first, second = server.hooks.seen(PUBLISH)
    assert ("h.x", b"2", "re", {}) == (first.subject, first.data, first.reply, first.headers)
    assert ("h.y", b"3", "", {"a": "b"}) == (second.subject, second.data, second.reply, second.headers)
    client = first.client
    assert (2, "p", "", str(publisher.wire.peer)) == (client.cid, client.name, client.user, client.address)
    assert (4, 40) == (server.broker.plane.in_msgs, server.broker.plane.in_bytes + 18)
    assert (4, 22) == (publisher.connection.inlet.in_msgs, publisher.connection.inlet.in_bytes)


def test_a_refusal(server: HookedBroker) -> None:
    """Nobody gets the message, the publisher reads why, and it is counted and logged."""
    receiver = server.client(b"r", b"SUB > 1\r\n")
    publisher = server.client(b"p")
    server.hooks.decide = lambda _point, _event: Refuse("not today")

    heard = publisher.ask(b"PUB h.x re 2\r\nhi\r\nPUB a 2\r\nho\r\n")

    assert b"-ERR 'Permissions Violation for Publish to \"h.x\": not today'\r\n" == heard
    assert b"MSG a 1 2\r\nho\r\n" == receiver.heard()
    assert (2, 4) == (server.broker.plane.in_msgs, server.broker.plane.in_bytes)
    assert 1 == len(server.events.of(HookRefused))


def test_another_message(server: HookedBroker) -> None:
    """What a hook puts in its place is delivered, and not seen by publish hooks again."""
    receiver = server.client(b"r", b"SUB > 1\r\n")
    server.hooks.decide = lambda _point, event: Rewrite("h.new", event.data + b"!", {"k": "v"})

    server.client(b"p", b"PUB h.x re 2\r\nhi\r\n")

    assert b"HMSG h.new 1 re 18 21\r\nNATS/1.0\r\nk: v\r\n\r\nhi!\r\n" == receiver.heard()
    assert 1 == len(server.hooks.events)


@pytest.mark.parametrize("answer", [None, Refuse("no"), Rewrite(data=b"x")])
def test_a_slow_hook_delays_its_publisher_alone(server: HookedBroker, answer: object) -> None:
    """Its later messages wait, in order; those of others do not."""
    receiver = server.client(b"r", b"SUB > 1\r\n")
    slow, quick = server.client(b"s"), server.client(b"q")
    server.hooks.decide = lambda _point, _event: LATER

    slow.send(b"PUB a 1\r\n1\r\nPUB h.x 1\r\n2\r\nPUB a 1\r\n3\r\nPING\r\n")
    quick.send(b"PUB a 1\r\n9\r\n")
    slow.send(b"PUB a 1\r\n4\r\n")

    assert b"MSG a 1 1\r\n1\r\nMSG a 1 1\r\n9\r\n" == receiver.heard()
    assert slow.connection.waiting
    server.answer(answer)
    passed = {None: b"MSG h.x 1 1\r\n2\r\n", Rewrite(data=b"x"): b"MSG h.x 1 1\r\nx\r\n"}.get(answer, b"")  # type: ignore[call-overload] # None is a key
    assert passed + b"MSG a 1 1\r\n3\r\nMSG a 1 1\r\n4\r\n" == receiver.heard()
    assert slow.heard().endswith(b"PONG\r\n")
    assert not slow.connection.waiting


def test_one_message_after_another(server: HookedBroker) -> None:
    """Each waits for the answer to the one before."""
    receiver = server.client(b"r", b"SUB > 1\r\n")
    server.hooks.decide = lambda _point, _event: LATER
    publisher = server.client(b"p")

    publisher.send(b"PUB h.x 1\r\n.\r\nPUB h.x.y 1\r\n.\r\nPUB h.x 1\r\n.\r\n")

    for count in range(3):
        assert 1 == len(server.hooks.pending)
        assert count + 1 == len(server.hooks.events)
        server.answer()
    assert b"MSG h.x 1 1\r\n.\r\nMSG h.x.y 1 1\r\n.\r\nMSG h.x 1 1\r\n.\r\n" == receiver.heard()


def test_a_publisher_that_leaves_before_the_answer(server: HookedBroker) -> None:
    """One that ended its link in order is obeyed to the end; one that is lost is not."""
    receiver = server.client(b"r", b"SUB > 1\r\n")
    server.hooks.decide = lambda _point, _event: LATER
    orderly, lost = server.client(b"o"), server.client(b"l")
    orderly.send(b"PUB h.x 1\r\n1\r\n")
    lost.send(b"PUB h.x 1\r\n2\r\n")

    orderly.wire.end()
    lost.leave()
    server.answer()
    server.answer()

    assert b"MSG h.x 1 1\r\n1\r\n" == receiver.heard()
    assert orderly.connection.closed


def test_verbose_publishers(server: HookedBroker) -> None:
    """Each message gets one +OK, or the refusal."""
    publisher = server.client(b"", connect=VERBOSE)
    server.hooks.decide = lambda _point, event: Refuse() if event.data == b"no" else None

    heard = publisher.ask(b"PUB h.x 2\r\nhi\r\nPUB h.x 2\r\nno\r\nPUB a 0\r\n\r\n")

    assert b"+OK\r\n-ERR 'Permissions Violation for Publish to \"h.x\"'\r\n+OK\r\n" == heard


def test_what_a_publisher_asked_for_holds_past_the_hooks(server: HookedBroker) -> None:
    """It gets no echo, and learns that nobody serves its request."""
    connect = b'CONNECT {"verbose":false,"echo":false,"headers":true,"no_responders":true}\r\n'
    publisher = server.client(b"", b"SUB h.x 1\r\nSUB re 2\r\n", connect)

    heard = publisher.ask(b"PUB h.x re 0\r\n\r\n")

    assert heard.startswith(b"HMSG re 2 ")
    assert b"503" in heard


def test_a_message_for_those_who_subscribe_at_the_same_time(server: HookedBroker) -> None:
    """It waits for a moment, as others do."""
    publisher, receiver = server.client(b"p"), server.client(b"r")

    server.clock.call_soon(lambda: None)  # there is more to be read
    publisher.wire.feed(b"PUB h.x 2\r\nhi\r\nPUB a 0\r\n\r\n")
    publisher.wire.end()
    receiver.send(b"SUB h.> 1\r\nSUB a 2\r\n")

    assert b"MSG h.x 1 2\r\nhi\r\nMSG a 2 0\r\n\r\n" == receiver.heard()


def test_a_slow_reader_holds_the_publisher(make_plane: MakePlane) -> None:
    """Flow control is the ordinary one past the hooks."""
    server = HookedBroker(make_plane, PUBLISH, limits=Limits(max_pending=100_000))
    receiver = server.client(b"r", b"SUB h.> 1\r\n")
    publisher = server.client(b"p")
    receiver.wire.stall()
    whole = b"PUB h.x 10000\r\n%b\r\n" % (10_000 * b"x")

    publisher.send(40 * whole)

    assert publisher.connection.waiting
    assert 20 > len(server.hooks.events)
    receiver.wire.pass_on()
    server.advance(1.0)
    assert 40 * len(b"MSG h.x 1 10000\r\n\r\n" + 10_000 * b"x") == len(receiver.heard())
    assert not publisher.connection.waiting


def test_permissions_come_first(make_plane: MakePlane) -> None:
    """What may not be published is not shown to hooks; where they lead it is theirs to say."""
    permissions = Permissions(publish=Rule((entry("h.a"),)))
    server = HookedBroker(make_plane, PUBLISH, gatekeeper=SingleUser("u", "p", permissions))
    login = b'CONNECT {"verbose":false,"user":"u","pass":"p"}\r\n'
    client = server.client(b"", b"SUB > 1\r\n", login)
    server.hooks.decide = lambda _point, _event: Rewrite("anywhere")

    heard = client.ask(b"PUB h.b 0\r\n\r\nPUB h.a 0\r\n\r\n")

    assert b"-ERR 'Permissions Violation for Publish to \"h.b\"'\r\nMSG anywhere 1 0\r\n\r\n" == heard
    assert ["u"] == [event.client.user for event in server.hooks.seen(PUBLISH)]


def test_other_limits_hold_past_the_hooks(server: HookedBroker) -> None:
    """When they change, a larger message passes."""
    receiver = server.client(b"r", b"SUB > 1\r\n")
    publisher = server.client(b"p", b"PUB h.x 0\r\n\r\n")
    receiver.heard()

    server.broker.apply(Limits(max_payload=2 * Limits().max_payload))
    size = Limits().max_payload + 1
    publisher.send(b"PUB h.x %d\r\n%b\r\n" % (size, size * b"x"))

    assert size < len(receiver.heard())


def test_a_hook_that_closes_its_own_client(server: HookedBroker) -> None:
    """Nothing more is done for it."""
    receiver = server.client(b"r", b"SUB > 1\r\n")
    publisher = server.client(b"p")

    def close(_point: HookPoint, _event: HookEvent) -> object:
        publisher.connection.abort()
        return None

    server.hooks.decide = close
    publisher.send(b"PUB h.x 0\r\n\r\nPUB a 0\r\n\r\n")

    assert b"" == receiver.heard()


def test_whom_a_publisher_serves(server: HookedBroker) -> None:
    """Flow control knows whom its messages past the hooks were for."""
    receiver, other = server.client(b"r", b"SUB h.> 1\r\n"), server.client(b"o")
    publisher = server.client(b"p", b"PUB h.x 0\r\n\r\n")

    assert publisher.connection.serves_another(other.connection, 100)
    assert not publisher.connection.serves_another(receiver.connection, 100)


def test_a_plan_names_hooks_where_there_are_none(make_plane: MakePlane) -> None:
    """That is a defect, and no message gets lost without a word."""
    server = HookedBroker(make_plane)
    server.broker.hooks = None
    session = server.client(b"p").connection.session

    with pytest.raises(RuntimeError, match="hooks"):
        session.hooked(server.broker.plane.plan((), (), hook=Hook.PUBLISH), HookedMessage(b"a", b"", 0, b""))
