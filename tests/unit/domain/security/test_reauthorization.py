"""A reload of users and rights, as clients that are connected find it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from app.domain.broker import Broker
from app.domain.closing_reason import ClosingReason
from app.domain.connection_type import ConnectionType
from app.domain.dataplane.seam import MakePlane
from app.domain.events import ConnectionsTrimmed, SubscriptionRemoved
from app.domain.hooks.hook_event import HookPoint
from app.domain.limits import Limits
from app.domain.permissions.rules import Permissions, Responses, Rule, entry
from app.domain.protocol.compatibility import Compatibility
from app.domain.security.credentials import Answer, Credentials, Identity, PendingVerdict
from app.domain.security.reauthorization import Dismissal, Judge, Login, reauthorize
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.hook_caller import LATER, FakeHookCaller, terms
from tests.support.virtual_broker import BrokerSetup, VirtualBroker, VirtualClient

LOGIN = b'CONNECT {"verbose":false,"pedantic":false,"user":"%b"}\r\n'
VIOLATION = b"-ERR 'Authorization Violation'\r\n"
PING, PONG = b"PING\r\n", b"PONG\r\n"
STANDARD = ConnectionType.STANDARD
NOTHING: Mapping[ConnectionType, Identity] = {}


class Check(PendingVerdict):
    """A check that is under way."""

    under_way = True

    def cancel(self) -> None:
        """Nobody wants its verdict any more."""


class Users:
    """A gatekeeper that knows users by name, or lets everybody in."""

    def __init__(self, *users: str, required: bool = True) -> None:
        self.users = dict.fromkeys(users, Identity())
        self.required = required
        self.waiting: list[Callable[[], None]] = []
        self.is_slow = False

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict | None:
        """Answer by the name."""
        identity = self.users.get(credentials.user) if self.required else Identity()
        named = None if identity is None else replace(identity, user=credentials.user)
        if self.is_slow:
            self.waiting.append(lambda: answer(named))
            return Check()
        answer(named)
        return None

    def answer_all(self) -> None:
        """Give the verdicts that clients wait for."""
        while self.waiting:
            self.waiting.pop()()


class Rig:
    """A broker of today, and its users."""

    def __init__(
        self,
        make_plane: MakePlane,
        users: Users,
        anonymous: Mapping[ConnectionType, Identity],
        setup: BrokerSetup | None = None,
    ) -> None:
        self.users = users
        self.events = RecordingEventLog(debug=False, trace=False)
        setup = setup or BrokerSetup(compatibility=Compatibility.CURRENT, anonymous=anonymous)
        self.server = VirtualBroker(make_plane, gatekeeper=users, events=self.events, setup=setup)

    @property
    def broker(self) -> Broker:
        """The broker."""
        return self.server.broker

    def client(self, user: bytes = b"") -> VirtualClient:
        """One that has logged in, if it has a name."""
        client = self.server.connect()
        if user:
            assert b"" == client.ask(LOGIN % user)
            assert client.ask(PING).endswith(PONG)
        return client

    def reload(self, judge: Judge, switch: Callable[[], None] = lambda: None) -> None:
        """Judge all clients."""
        reauthorize(self.broker, switch, judge)
        self.server.settle()

    def permit(self, **rules: Permissions | None) -> None:
        """Let these be the permissions of users from now on."""
        self.reload(lambda login: Identity(login.user, permissions=rules.get(login.user)))


@pytest.fixture(name="rig")
def _rig(make_plane: MakePlane) -> Rig:
    return Rig(make_plane, Users("a", "b"), NOTHING)


def rules(publish: str = "", subscribe: str = "", responses: Responses | None = None) -> Permissions:
    """Permissions that deny these subjects."""
    return Permissions(
        Rule(deny=(entry(publish),)) if publish else Rule(),
        Rule(deny=(entry(subscribe),)) if subscribe else Rule(),
        responses,
    )


def test_who_is_dismissed(rig: Rig) -> None:
    """A client without a user ends without a text; one whose password has changed hears why."""
    first, second, third = rig.client(b"a"), rig.client(b"b"), rig.client(b"a")
    verdicts: list[Identity | Dismissal] = [Dismissal.REMOVED, Dismissal.CHANGED]
    asked: list[Login] = []

    def judge(login: Login) -> Identity | Dismissal:
        asked.append(login)
        return verdicts.pop(0)

    rig.reload(judge)

    assert [Login("a", STANDARD, is_anonymous=False), Login("b", STANDARD, is_anonymous=False)] == asked
    assert (b"", VIOLATION, b"") == (first.heard(), second.heard(), third.heard())
    assert first.wire.is_over
    assert second.wire.is_over
    assert third.wire.is_over
    reasons = {closed.reason for closed in rig.broker.history.closed.all()}
    assert {ClosingReason.AUTHENTICATION_FAILURE} == reasons


def test_a_right_to_publish_that_is_taken(rig: Rig) -> None:
    """It is gone before the next message, however often the one before was published, and comes back."""
    listener, client = rig.client(b"b"), rig.client(b"a")
    listener.send(b"SUB x 1\r\n")
    for _ in range(3):
        client.send(b"PUB x 1\r\n1\r\n")
    assert 3 == listener.heard().count(b"MSG x 1 1")

    rig.permit(a=rules(publish="x"))
    assert client.ask(b"PUB x 1\r\n1\r\n").startswith(b"-ERR 'Permissions Violation for Publish to")
    assert b"" == listener.heard()
    rig.permit()
    assert (b"", b"MSG x 1 1\r\n1\r\n") == (client.ask(b"PUB x 1\r\n1\r\n"), listener.heard())


@pytest.mark.parametrize("queue", [b"", b" q"])
def test_a_right_to_subscribe_that_is_taken(rig: Rig, queue: bytes) -> None:
    """The subscription ends with an error, and a log line; the others of the same client stay."""
    client, publisher = rig.client(b"a"), rig.client(b"b")
    client.send(b"SUB x%b 1\r\nSUB y%b 2\r\n" % (queue, queue))
    rig.permit(a=rules(subscribe="x"))

    assert b'-ERR \'Permissions Violation for Subscription to "x" (sid "1")\'\r\n' == client.heard()
    publisher.send(b"PUB x 1\r\n1\r\nPUB y 1\r\n2\r\n")
    assert b"MSG y 2 1\r\n2\r\n" == client.heard()
    (fact,) = [event for event in rig.events.events if isinstance(event, SubscriptionRemoved)]
    assert 'Removed sub "x" (sid "1") for "$G/user:a" - not authorized' == fact.text()
    rig.permit()
    assert b"" == client.heard()


@pytest.mark.parametrize("queue", [b"", b" q"])
def test_a_part_of_a_subscription(rig: Rig, queue: bytes) -> None:
    """What is denied within a wildcard is filtered from now on, and no longer when it is allowed again."""
    client, publisher = rig.client(b"a"), rig.client(b"b")
    client.send(b"SUB x.*%b 1\r\nUNSUB 1 4\r\n" % queue)
    messages = b"PUB x.a 1\r\n1\r\nPUB x.b 1\r\n2\r\n"
    rig.permit(a=rules(subscribe="x.a"))
    publisher.send(messages)
    assert b"MSG x.b 1 1\r\n2\r\n" == client.heard()
    rig.permit(a=rules(publish="z"))
    publisher.send(messages * 2)

    assert 3 == client.heard().count(b"MSG")
    assert 0 == len(rig.broker.interest)


def test_equal_rules_change_nothing(rig: Rig) -> None:
    """A client whose permissions are the same keeps what was decided."""
    client = rig.client(b"a")
    rig.permit(a=rules(publish="x"))
    audience = client.connection.inlet.audience
    rig.permit(a=rules(publish="x"))

    assert audience == client.connection.inlet.audience


def test_a_verdict_that_is_still_to_come(rig: Rig) -> None:
    """A client whose login is being checked is left to its verdict."""
    rig.users.is_slow = True
    client = rig.server.connect()
    client.send(LOGIN % b"a")
    rig.reload(lambda _: Dismissal.CHANGED)
    assert not client.connection.closed
    rig.users.answer_all()
    rig.server.settle()

    assert client.ask(PING).endswith(PONG)


def test_a_verdict_that_comes_with_the_change(rig: Rig) -> None:
    """The new users have judged a client whose login was being checked, so nobody judges it again."""
    rig.users.is_slow = True
    client = rig.server.connect()
    client.send(LOGIN % b"a")
    rig.reload(lambda _: Dismissal.CHANGED, rig.users.answer_all)

    assert client.ask(PING).endswith(PONG)
    assert not client.wire.is_over


def test_a_verdict_for_one_that_did_without(make_plane: MakePlane) -> None:
    """The client stays who it has become, and is not taken for one without credentials."""
    guest = Identity("guest")
    rig = Rig(make_plane, Users("a"), {STANDARD: guest})
    rig.users.is_slow = True
    client = rig.server.connect()
    client.send(LOGIN % b"a")
    rig.reload(lambda _: guest, rig.users.answer_all)

    assert client.ask(PING).endswith(PONG)
    assert "a" == rig.broker.sessions[client.connection.cid].user


@pytest.mark.parametrize("required", [True, False])
def test_hooks_that_are_asked_about_a_login(make_plane: MakePlane, *, required: bool) -> None:
    """The users before have let the client in, so it comes back to log in with those of now."""
    caller = FakeHookCaller(lambda _point, _event: LATER)
    setup = BrokerSetup(compatibility=Compatibility.CURRENT, hooks=(terms(HookPoint.CONNECT), caller))
    rig = Rig(make_plane, Users("a", required=required), NOTHING, setup)
    client = rig.server.connect()
    client.send(LOGIN % b"a")
    rig.reload(lambda _: Dismissal.CHANGED, switch_login(rig, required=True))
    caller.settle()
    rig.server.settle()

    assert b"" == client.heard()
    assert client.wire.is_over


def nobody_without_credentials(rig: Rig) -> Callable[[], None]:
    """Let all clients need credentials from now on."""

    def switch() -> None:
        rig.broker.anonymous = {}

    return switch


def test_subscriptions_of_one_without_credentials(make_plane: MakePlane) -> None:
    """They are of a user that may not be here, so nothing is waited for."""
    rig = Rig(make_plane, Users("a"), {STANDARD: Identity("guest")})
    rig.users.is_slow = True
    client = rig.server.connect()
    client.send(b"SUB x 1\r\n" + LOGIN % b"a")
    client.heard()
    rig.reload(lambda _: Dismissal.CHANGED, nobody_without_credentials(rig))

    assert VIOLATION == client.heard()
    assert client.wire.is_over


@pytest.mark.parametrize("is_good", [True, False])
def test_no_clients_without_credentials_any_more(make_plane: MakePlane, *, is_good: bool) -> None:
    """One whose credentials are being checked is left to its verdict, and may do nothing before."""
    rig = Rig(make_plane, Users("a"), {STANDARD: Identity("guest")})
    rig.users.is_slow = True
    client = rig.server.connect()
    client.send(LOGIN % (b"a" if is_good else b"z"))
    rig.reload(lambda _: Dismissal.CHANGED, nobody_without_credentials(rig))
    assert b"" == client.heard()
    rig.users.answer_all()
    rig.server.settle()

    assert client.ask(PING).endswith(PONG if is_good else VIOLATION)


def switch_login(rig: Rig, *, required: bool) -> Callable[[], None]:
    """Let a login be required, or not, from now on."""

    def switch() -> None:
        rig.users.required = required

    return switch


def test_a_login_that_is_required_now(make_plane: MakePlane) -> None:
    """Clients that have done something are closed; one that has just come in may log in, in time."""
    rig = Rig(make_plane, Users("a", required=False), NOTHING)
    active, new, late, dead = rig.client(b"x"), rig.client(), rig.client(), rig.client()
    unopened = rig.server.accept(opened=False)
    dead.leave()
    rig.reload(lambda _: Dismissal.CHANGED, switch_login(rig, required=True))

    assert VIOLATION == active.heard()
    assert b"" == new.ask(LOGIN % b"a")
    assert new.ask(PING).endswith(PONG)
    rig.server.advance(1.5)
    assert b"-ERR 'Authentication Timeout'\r\n" == late.heard()
    assert not unopened.connection.closed


def test_a_login_that_is_not_required_any_more(rig: Rig) -> None:
    """All clients stay; one that has not logged in yet need not, and has no time limit."""
    known, new = rig.client(b"a"), rig.client()
    rig.reload(lambda _: Identity(), switch_login(rig, required=False))
    rig.server.advance(5.0)

    assert known.ask(PING).endswith(PONG)
    assert new.ask(PING).endswith(PONG)


def test_clients_without_credentials(make_plane: MakePlane) -> None:
    """They are known as such, and become the user that is configured for them now."""
    old, new = Identity("a"), Identity("b", permissions=rules(publish="x"))
    rig = Rig(make_plane, Users("a", "b"), {STANDARD: old})
    client, fresh = rig.client(), rig.client()
    client.send(b'CONNECT {"verbose":false}\r\nPING\r\n')
    client.heard()
    seen: list[Login] = []

    def judge(login: Login) -> Identity | Dismissal:
        seen.append(login)
        return new

    def switch() -> None:
        rig.broker.anonymous = {STANDARD: new}

    rig.reload(judge, switch)

    assert [Login("a", STANDARD, is_anonymous=True)] == seen
    for one in (client, fresh):
        assert b"Permissions Violation" in one.ask(b"PUB x 0\r\n\r\n")


def test_responses_begin_anew(rig: Rig) -> None:
    """Rules that count responses are those of one client, before and after."""
    client = rig.client(b"a")
    rig.permit(a=rules(responses=Responses()))
    rig.permit(a=rules())

    assert client.ask(PING).endswith(PONG)


def test_a_lower_limit_of_connections(make_plane: MakePlane) -> None:
    """The latest clients are closed, with the error that others get at the listener."""
    server = VirtualBroker(make_plane, events=(events := RecordingEventLog(debug=False, trace=False)))
    clients = [server.connect() for _ in range(3)]
    server.broker.apply(Limits(max_connections=1))
    server.settle()

    assert [False, True, True] == [client.wire.is_over for client in clients]
    assert b"-ERR 'Maximum Connections Exceeded'\r\n" == clients[2].heard()
    assert ConnectionsTrimmed(None, 2) == events.events[-1]
