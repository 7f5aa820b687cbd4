"""Hooks that come, go, and are replaced while the server runs."""

from app.domain.dataplane.seam import MakePlane
from app.domain.hooks.decisions import Refuse, Rewrite
from app.domain.hooks.gate import HookGate
from app.domain.hooks.hook_event import HookPoint
from app.domain.hooks.report import HookReport
from app.domain.monitoring.view import LiveView
from tests.fakes.hook_caller import LATER, FakeHookCaller, terms
from tests.support.hooked_broker import CONNECT, HookedBroker
from tests.support.virtual_broker import VirtualBroker

PUBLISH = b"PUB h.a 1\r\nx\r\n"
NEW = b"PUB new.a 1\r\nx\r\n"


def gate(
    server: VirtualBroker, caller: FakeHookCaller, *points: HookPoint, pattern: bytes = b"h.>"
) -> HookGate:
    """Hooks that may be asked next."""
    own = terms(*points, patterns=(pattern,))
    return HookGate(own, caller, server.clock, server.broker.events)


def refusing(text: str) -> FakeHookCaller:
    """Hooks that refuse all."""
    return FakeHookCaller(lambda _point, _event: Refuse(text))


def test_hooks_come_and_go(make_plane: MakePlane) -> None:
    """From the next message on they are asked, and then no more; clients stay."""
    server = VirtualBroker(make_plane)
    client = server.connect(quiet=True)
    client.ask(b"SUB h.> 1\r\n" + PUBLISH)
    caller = refusing("no")
    server.broker.use_hooks(gate(server, caller, HookPoint.PUBLISH))
    refused = client.ask(PUBLISH)
    server.broker.use_hooks(None)
    passed = client.ask(PUBLISH)
    server.broker.use_hooks(None)

    assert b"Permissions Violation" in refused
    assert b"MSG h.a 1 1\r\nx\r\n" in passed
    assert 1 == len(caller.seen(HookPoint.PUBLISH))


def test_other_hooks_with_other_subjects(make_plane: MakePlane) -> None:
    """A connection whose messages were seen by hooks goes on with those that took their place."""
    server = HookedBroker(make_plane, HookPoint.PUBLISH)
    client = server.client(b"c", b"SUB > 1\r\n" + PUBLISH)
    caller = FakeHookCaller(lambda _point, event: Rewrite(data=event.data + b"!"))
    server.broker.use_hooks(gate(server, caller, HookPoint.PUBLISH, pattern=b"new.>"))

    assert b"MSG h.a 1 1\r\nx\r\n" == client.ask(PUBLISH)
    assert b"MSG new.a 1 2\r\nx!\r\n" == client.ask(NEW)
    assert 1 == len(server.hooks.seen(HookPoint.PUBLISH))


def test_a_message_under_way(make_plane: MakePlane) -> None:
    """It is decided by those that were asked; the next one by the new ones, in order."""
    server = HookedBroker(make_plane, HookPoint.PUBLISH)
    client = server.client(b"c", b"SUB > 1\r\n")
    server.hooks.decide = lambda _point, _event: LATER
    client.send(PUBLISH + PUBLISH)
    server.broker.use_hooks(gate(server, refusing("new"), HookPoint.PUBLISH))
    server.answer()
    heard = client.heard()

    assert heard.startswith(b"MSG h.a 1 1\r\nx\r\n-ERR 'Permissions Violation for Publish to \"h.a\": new'")
    assert not client.connection.waiting


def test_a_delivery_under_way(make_plane: MakePlane) -> None:
    """Its other receivers are decided by the new ones, or by nobody."""
    server = HookedBroker(make_plane, HookPoint.DELIVER)
    client = server.client(b"c", b"SUB h.> 1\r\n")
    server.hooks.decide = lambda _point, _event: LATER
    client.send(PUBLISH)
    server.broker.use_hooks(None)
    server.answer(Refuse("old"))
    heard = client.ask(PUBLISH)

    assert b"MSG h.a 1 1\r\nx\r\n" == heard


def test_logins(make_plane: MakePlane) -> None:
    """Hooks are asked about logins that come later, also of clients that were connected before."""
    server = VirtualBroker(make_plane)
    inside, early = server.connect(quiet=True), server.connect()
    server.broker.use_hooks(gate(server, refusing("closed"), HookPoint.CONNECT))
    late = server.connect()

    assert b"Authorization Violation: closed" in early.ask(CONNECT % b"early")
    assert b"Authorization Violation: closed" in late.ask(CONNECT % b"late")
    assert b"PONG\r\n" == inside.ask(b"PING\r\n")
    server.broker.use_hooks(None)
    assert b"PONG\r\n" == server.connect().ask(CONNECT % b"again" + b"PING\r\n")


def test_a_login_that_was_to_come(make_plane: MakePlane) -> None:
    """A client that had to say who it is may do so without hooks, too."""
    server = HookedBroker(make_plane, HookPoint.CONNECT)
    client = server.connect()
    server.broker.use_hooks(None)

    assert b"PONG\r\n" == client.ask(CONNECT % b"c" + b"PING\r\n")
    assert [] == server.hooks.events


def test_what_hooks_see(make_plane: MakePlane) -> None:
    """Those who watch can ask what the hooks in use see of a subject."""
    server = HookedBroker(make_plane, HookPoint.PUBLISH)
    view = LiveView(server.broker)
    before = view.hooks_on(b"h.a")
    server.broker.use_hooks(None)

    assert HookReport("", ("publish",), ("h.>",), shadow=False) == before
    assert view.hooks_on(b"h.a") is None
    assert LiveView(VirtualBroker(make_plane).broker).hooks_on(b"h.a") is None
