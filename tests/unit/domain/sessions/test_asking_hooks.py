"""Logins, subscriptions and ends of clients, as hooks see them."""

import pytest

from app.domain.connection_type import ConnectionType
from app.domain.dataplane.seam import MakePlane
from app.domain.hooks.decisions import Refuse
from app.domain.hooks.hook_event import HookEvent, HookPoint
from app.domain.limits import Limits
from app.domain.permissions.rules import Permissions, Rule, entry
from app.domain.protocol.compatibility import Compatibility
from app.domain.protocol.errors import InvalidSubject, PermissionsViolation
from app.domain.security.credentials import Identity
from app.domain.sessions.local_client import LocalClient
from tests.fakes.hook_caller import LATER, FakeHookCaller, terms
from tests.fakes.single_user import SingleUser
from tests.support.hooked_broker import CONNECT, HookedBroker
from tests.support.virtual_broker import BrokerSetup, VirtualBroker

VERBOSE = b'CONNECT {"verbose":true,"pedantic":false}\r\n'
LOGIN = b'CONNECT {"verbose":false,"user":"u","pass":"p","name":"n"}\r\n'


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> HookedBroker:
    """With hooks for clients and their subscriptions."""
    return HookedBroker(make_plane, HookPoint.CONNECT, HookPoint.DISCONNECT, HookPoint.SUBSCRIBE)


# --- logins ---------------------------------------------------------------------


def test_a_login_is_seen(make_plane: MakePlane) -> None:
    """Once, after the credentials were judged; hooks get name, user and address."""
    gatekeeper = SingleUser("u", "p", None)
    server = HookedBroker(make_plane, HookPoint.CONNECT, gatekeeper=gatekeeper)
    wrong = server.connect()
    assert b"-ERR 'Authorization Violation'\r\n" == wrong.ask(LOGIN.replace(b'"p"', b'"x"'))

    client = server.connect()
    assert b"PONG\r\n" == client.ask(2 * LOGIN + b"PING\r\n")

    (event,) = server.hooks.seen(HookPoint.CONNECT)
    seen = event.client
    assert (2, "n", "u", str(client.wire.peer)) == (seen.cid, seen.name, seen.user, seen.address)


def test_a_login_is_refused(server: HookedBroker) -> None:
    """The client reads why, and its link ends; one that was not in does not leave."""
    server.hooks.decide = lambda _point, _event: Refuse("not today")
    client = server.connect()

    assert b"-ERR 'Authorization Violation: not today'\r\n" == client.ask(CONNECT % b"c" + b"PING\r\n")
    assert client.connection.closed
    assert [] == server.hooks.seen(HookPoint.DISCONNECT)


def test_nothing_is_done_before_the_login(server: HookedBroker) -> None:
    """A client that does not say who it is may do nothing, also where no login is required."""
    client, silent = server.connect(), server.connect()

    assert b"-ERR 'Authorization Violation'\r\n" == client.ask(b"SUB a 1\r\n")
    server.advance(Limits().auth_timeout + 1)

    assert b"-ERR 'Authentication Timeout'\r\n" == silent.heard()
    assert [] == server.hooks.events


def test_clients_without_credentials(make_plane: MakePlane) -> None:
    """One that becomes a user without them is seen as that user, and does nothing before."""
    hooks = FakeHookCaller()
    setup = BrokerSetup(
        compatibility=Compatibility.CURRENT,
        anonymous={ConnectionType.STANDARD: Identity("guest")},
        hooks=(terms(HookPoint.CONNECT), hooks),
    )
    server = VirtualBroker(make_plane, gatekeeper=SingleUser("u", "p", None), setup=setup)
    assert b"-ERR 'Authorization Violation'\r\n" == server.connect().ask(b"SUB a 1\r\n")

    assert b"PONG\r\n" == server.connect().ask(CONNECT % b"c" + b"PING\r\n")

    assert ["guest"] == [event.client.user for event in hooks.seen(HookPoint.CONNECT)]


@pytest.mark.parametrize("answer", [None, Refuse("no")])
def test_a_late_answer_to_a_login(server: HookedBroker, answer: object) -> None:
    """The client waits for it, however long it takes, and then is in or out."""
    server.hooks.decide = lambda point, _event: LATER if point is HookPoint.CONNECT else None
    client = server.connect()

    assert b"" == client.ask(CONNECT % b"c" + b"PING\r\n")
    server.advance(Limits().auth_timeout + 1)
    server.answer(answer)

    expected = b"PONG\r\n" if answer is None else b"-ERR 'Authorization Violation: no'\r\n"
    assert client.heard().startswith(expected)


def test_a_client_that_leaves_before_the_answer(server: HookedBroker) -> None:
    """The answer is of no interest."""
    server.hooks.decide = lambda _point, _event: LATER
    client = server.connect()
    client.send(CONNECT % b"c")

    client.leave()
    server.answer()

    assert [HookPoint.CONNECT] == [point for point, _ in server.hooks.events]


def test_the_end_of_a_client(server: HookedBroker) -> None:
    """Hooks hear of each that was in."""
    client = server.client(b"c")

    client.leave()

    (event,) = server.hooks.seen(HookPoint.DISCONNECT)
    assert (1, "c") == (event.client.cid, event.client.name)


# --- subscriptions -----------------------------------------------------------------


def test_a_subscription_is_refused(server: HookedBroker) -> None:
    """The client reads why, and goes on; others are in effect."""
    server.hooks.decide = lambda _point, event: Refuse("no secrets") if "secret" in event.subject else None
    client = server.client(b"c")

    heard = client.ask(
        b"SUB secret.* 1\r\nSUB secret q 2\r\nSUB a q 3\r\nPUB secret.a 0\r\n\r\nPUB a 0\r\n\r\n"
    )

    assert (
        b"-ERR 'Permissions Violation for Subscription to \"secret.*\": no secrets'\r\n"
        b'-ERR \'Permissions Violation for Subscription to "secret" using queue "q": no secrets\'\r\n'
        b"MSG a 3 0\r\n\r\n"
    ) == heard
    assert [("secret.*", ""), ("secret", "q"), ("a", "q")] == [
        (event.subject, event.queue) for event in server.hooks.seen(HookPoint.SUBSCRIBE)
    ]


@pytest.mark.parametrize("answer", [None, Refuse()])
@pytest.mark.parametrize("connect", [CONNECT % b"c", VERBOSE])
def test_a_late_answer_to_a_subscription(server: HookedBroker, answer: object, connect: bytes) -> None:
    """What comes after it waits, and there is one answer to it."""
    server.hooks.decide = lambda point, _event: LATER if point is HookPoint.SUBSCRIBE else None
    client = server.client(b"c", connect=connect)

    assert b"" == client.ask(b"SUB a 1\r\nPING\r\n")
    server.answer(answer)

    if answer is not None:
        expected = b"-ERR 'Permissions Violation for Subscription to \"a\"'\r\nPONG\r\n"
    else:
        expected = b"+OK\r\nPONG\r\n" if connect is VERBOSE else b"PONG\r\n"
    assert expected == client.heard()
    assert (answer is None) is (b"1" in server.broker.sessions[1].subscriptions)


def test_a_verbose_client(server: HookedBroker) -> None:
    """An answer at once gives one +OK, or the refusal."""
    client = server.client(b"", connect=VERBOSE)

    assert b"+OK\r\n" == client.ask(b"SUB a 1\r\n")
    server.hooks.decide = lambda _point, _event: Refuse()
    assert b"-ERR 'Permissions Violation for Subscription to \"b\"'\r\n" == client.ask(b"SUB b 2\r\n")


@pytest.mark.parametrize("late", [False, True])
def test_a_malformed_subject(server: HookedBroker, *, late: bool) -> None:
    """It is an error whatever hooks say."""
    client = server.client(b"c")
    server.hooks.decide = lambda _point, _event: LATER if late else None

    client.send(b"SUB a..b 1\r\n")
    if late:
        server.answer()

    assert b"-ERR 'Invalid Subject'\r\n" == client.heard()


def test_permissions_come_first(make_plane: MakePlane) -> None:
    """A subscription that is not permitted is not shown to hooks; a filter holds for what they allow."""
    permissions = Permissions(subscribe=Rule(deny=(entry("a.secret"),)))
    server = HookedBroker(make_plane, HookPoint.SUBSCRIBE, gatekeeper=SingleUser("u", "p", permissions))
    client = server.client(b"", b"", LOGIN)

    heard = client.ask(b"SUB a.secret 1\r\nSUB a.* 2\r\nPUB a.secret 0\r\n\r\nPUB a.b 0\r\n\r\n")

    assert heard.endswith(b"\r\nMSG a.b 2 0\r\n\r\n")
    assert ["a.*"] == [event.subject for event in server.hooks.seen(HookPoint.SUBSCRIBE)]


# --- clients inside the process -------------------------------------------------------


def test_a_local_client(server: HookedBroker) -> None:
    """A refusal is an error of the call; all else is as ever."""
    local = server.broker.connect_local("l")
    server.hooks.decide = lambda _point, event: Refuse("no") if event.subject == "secret" else None

    sid = local.subscribe(b"a", lambda _message: None)
    with pytest.raises(PermissionsViolation):
        local.subscribe(b"secret", lambda _message: None)
    with pytest.raises(InvalidSubject):
        local.subscribe(b"a..b", lambda _message: None)

    assert local.is_subscribed(sid)
    event: HookEvent = server.hooks.seen(HookPoint.SUBSCRIBE)[0]
    assert ("l", "local:0") == (event.client.name, event.client.address)


@pytest.mark.parametrize("answer", [None, Refuse("no")])
def test_a_late_answer_to_a_local_client(server: HookedBroker, answer: object) -> None:
    """Until then it is not known whether the subscription is in effect; the client goes on after it."""
    local = server.broker.connect_local("l")
    server.hooks.decide = lambda _point, _event: LATER

    sid = local.subscribe(b"a", lambda _message: None)

    assert local.is_subscribed(sid) is None
    server.answer(answer)
    assert (answer is None) is local.is_subscribed(sid)
    assert not local.closed


def test_a_message_of_a_local_client(make_plane: MakePlane) -> None:
    """Hooks see it; a refusal is in the log, and does not end the client."""
    server = HookedBroker(make_plane, HookPoint.PUBLISH)
    receiver = server.client(b"r", b"SUB > 1\r\n")
    local = server.broker.connect_local("l")
    server.hooks.decide = lambda _point, event: Refuse("no") if event.data == b"no" else None

    local.publish(b"h.x", b"no")
    local.publish(b"h.x", b"hi")
    server.settle()

    assert b"MSG h.x 1 2\r\nhi\r\n" == receiver.heard()
    assert not local.closed


class Part(LocalClient):
    """A part of the server."""

    seen_by_hooks = False


def test_a_part_of_the_server(make_plane: MakePlane) -> None:
    """Hooks see neither its subscriptions nor its messages, nor what it gets."""
    server = HookedBroker(make_plane, HookPoint.SUBSCRIBE, HookPoint.PUBLISH, HookPoint.DELIVER)
    part, heard = Part(server.broker, "part"), list[bytes]()
    server.broker.adopt(part)
    receiver = server.client(b"r", b"SUB h.> 1\r\n")
    server.hooks.decide = lambda _point, _event: Refuse("no")
    before = len(server.hooks.events)

    part.subscribe(b"h.>", lambda message: heard.append(message.payload))
    part.publish(b"h.x", b"1")
    server.settle()

    assert [b"1"] == heard
    assert ["deliver"] == [point.value for point, _ in server.hooks.events[before:]]
    assert b"" == receiver.heard()
