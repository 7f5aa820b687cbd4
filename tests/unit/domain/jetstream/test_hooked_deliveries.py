"""What consumers deliver, past hooks."""

from typing import ClassVar

from app.domain.dataplane.seam import MakePlane
from app.domain.hooks.decisions import Refuse, Rewrite
from app.domain.hooks.hook_event import HookEvent, HookPoint
from app.domain.jetstream.hooked_deliveries import MOST_WAITING, RECEIVERS_AT_ONCE
from app.domain.jetstream.outlet import Delivery
from app.domain.sessions.local_client import LocalClient
from app.domain.sessions.local_wire import LocalMessage
from tests.fakes.hook_caller import LATER, FakeHookCaller, terms
from tests.support.virtual_jetstream import VirtualJetStream


class Scene:
    """JetStream with hooks that see deliveries of subjects from `h.` on."""

    def __init__(self, make_plane: MakePlane, *points: HookPoint) -> None:
        self.hooks = FakeHookCaller()
        self.js = VirtualJetStream(make_plane, hooks=(terms(*points), self.hooks))

    def deliver(self, subject: bytes = b"h.a", payload: bytes = b"x") -> Delivery:
        """Have the outlet deliver to the client's inbox."""
        return self.js.jetstream.outlet.deliver(b"_I.1", subject, b"ack", b"", payload)

    def heard(self) -> bytes:
        """What the client got."""
        self.js.server.settle()
        return self.js.client.heard()

    def answer(self, answer: object = None) -> None:
        """Give the oldest answer that is missing."""
        self.hooks.settle(answer)


def test_hooks_see_what_a_consumer_delivers(make_plane: MakePlane) -> None:
    """With the subject that it was stored with, for each receiver; a refusal keeps it from this one."""
    scene = Scene(make_plane, HookPoint.DELIVER)
    scene.js.stream("S", subjects=["h.>", "o"])
    scene.js.consumer()
    for subject in ("h.a", "o", "h.b"):
        scene.js.publish(subject)
    scene.hooks.decide = lambda _, event: Refuse("no") if event.subject == "h.a" else None

    heard = scene.js.raw("$JS.API.CONSUMER.MSG.NEXT.S.C", b"3")

    assert [event.subject for event in scene.hooks.seen(HookPoint.DELIVER)] == ["h.a", "h.b"]
    assert heard.count(b"$JS.ACK.S.C.1.") == 2
    assert (b"MSG o 1 $JS.ACK" in heard, b"MSG h.b 1 $JS.ACK" in heard) == (True, True)


def test_a_hook_may_change_it(make_plane: MakePlane) -> None:
    """For its receiver."""
    scene = Scene(make_plane, HookPoint.DELIVER)
    scene.hooks.decide = lambda *_: Rewrite(data=b"other")
    assert scene.deliver() is Delivery.SENT
    assert scene.heard() == b"MSG h.a 1 ack 5\r\nother\r\n"


def test_other_subjects_and_points_pass(make_plane: MakePlane) -> None:
    """Hooks are not asked about what they do not see, nor about messages of the server itself."""
    scene = Scene(make_plane, HookPoint.DELIVER)
    assert scene.deliver(b"o") is Delivery.SENT
    assert scene.js.jetstream.outlet.deliver(b"_I.1", b"_I.1") is Delivery.SENT
    assert scene.heard() == b"MSG o 1 ack 1\r\nx\r\nMSG _I.1 1 0\r\n\r\n"
    other = Scene(make_plane, HookPoint.PUBLISH)
    assert other.deliver() is Delivery.SENT
    assert other.heard() == b"MSG h.a 1 ack 1\r\nx\r\n"
    assert not scene.hooks.events
    assert not other.hooks.seen(HookPoint.DELIVER)


def test_order_stays(make_plane: MakePlane) -> None:
    """What waits for an answer holds what comes after it, and in the end the consumer."""
    scene = Scene(make_plane, HookPoint.DELIVER)
    scene.hooks.decide = lambda *_: LATER
    for number in range(MOST_WAITING):
        assert scene.deliver(payload=b"%d" % number) is Delivery.SENT
    assert scene.deliver() is Delivery.CONGESTED
    assert scene.heard() == b""
    scene.answer()
    assert scene.heard() == b"MSG h.a 1 ack 1\r\n0\r\n"
    scene.hooks.decide = lambda *_: None
    scene.answer(Refuse("no"))
    heard = scene.heard()
    assert heard.startswith(b"MSG h.a 1 ack 1\r\n2\r\n")
    assert heard.count(b"MSG") == MOST_WAITING - 2
    assert scene.deliver() is Delivery.SENT
    assert scene.heard() == b"MSG h.a 1 ack 1\r\nx\r\n"


def test_many_receivers(make_plane: MakePlane) -> None:
    """Hooks are asked about some at a time, and about no part of the server."""
    scene = Scene(make_plane, HookPoint.DELIVER)
    for sid in range(2, RECEIVERS_AT_ONCE + 5):
        scene.js.client.send(b"SUB _I.* %d\r\n" % sid)
    asked: list[HookEvent] = []

    def decide(_: HookPoint, event: HookEvent) -> object:
        asked.append(event)
        return LATER

    scene.hooks.decide = decide
    scene.deliver()
    assert len(asked) == RECEIVERS_AT_ONCE
    for _ in range(RECEIVERS_AT_ONCE):
        scene.answer()
    assert scene.heard().count(b"MSG") == RECEIVERS_AT_ONCE
    for _ in range(4):
        scene.answer()
    assert scene.heard().count(b"MSG") == 4


def test_nobody_listens(make_plane: MakePlane) -> None:
    """The consumer hears so, as without hooks."""
    scene = Scene(make_plane, HookPoint.DELIVER)
    outlet = scene.js.jetstream.outlet
    assert outlet.deliver(b"nobody", b"h.a") is Delivery.NOBODY
    scene.js.client.connection.outbox.congested = True
    assert scene.deliver() is Delivery.CONGESTED


class Part(LocalClient):
    """A part of the server."""

    seen_by_hooks: ClassVar[bool] = False


def test_parts_of_the_server_are_not_asked_about(make_plane: MakePlane) -> None:
    """They get what is delivered."""
    scene = Scene(make_plane, HookPoint.DELIVER)
    got: list[LocalMessage] = []
    broker = scene.js.server.broker
    part = Part(broker, "part")
    broker.adopt(part)
    part.subscribe(b"_I.1", got.append)
    scene.hooks.decide = lambda *_: Refuse("no")

    assert scene.deliver() is Delivery.SENT
    assert scene.heard() == b""
    assert [message.subject for message in got] == [b"h.a"]
