"""Flow control between servers: only the quick are waited for (ADR 0018, ADR 0023)."""

import pytest

from app.adapters.clock_manual import ManualClock
from app.domain.limits import ROUTE_PENDING, Limits
from app.domain.sessions.congestion import QUICK_BYTES, SLOW_CHECKS, TICK
from app.domain.sessions.flow import Flow
from tests.fakes.flow_peer import FlowPeer

LIMITS = Limits()
HOLD = LIMITS.hold_above
DELAYED = "publishers waited 2s (write_deadline) for it"


class Scene:
    """A flow on a manual clock, with clients and routes."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.clock = ManualClock()
        self.flow = Flow(limits, self.clock)

    def client(self) -> FlowPeer:
        """A client."""
        return self._peer(is_server=False)

    def route(self) -> FlowPeer:
        """Another server."""
        return self._peer(is_server=True)

    def _peer(self, *, is_server: bool) -> FlowPeer:
        peer = FlowPeer(self.flow, is_server=is_server)
        peer.outbox.alarm = self.limits.hold_above
        return peer

    def publish(self, publisher: FlowPeer, receiver: FlowPeer, count: int = 1) -> bool:
        """Let `count` bytes go to a receiver as a plane would; answer whether the publisher was held."""
        self.flow.publisher = publisher
        self.flow.pressing.clear()
        held = receiver.outbox.congested and self.flow.pressed(receiver)
        if held:
            self.flow.hold(publisher)
        else:
            receiver.outbox.queue(count)
            if receiver.outbox.pending() > receiver.outbox.alarm:
                self.flow.pressed(receiver)
        self.flow.publisher = None
        return held

    def congest(self, publisher: FlowPeer, receiver: FlowPeer, count: int = 3 * HOLD) -> None:
        """Fill a receiver, and let the publisher wait for it."""
        self.publish(publisher, receiver, count)
        assert self.publish(publisher, receiver)

    def dawdle(self, receiver: FlowPeer, count: int = 1) -> None:
        """Let a receiver take that much at each check, until it counts as slow."""
        for _ in range(SLOW_CHECKS):
            self.take(receiver, count)

    def take(self, receiver: FlowPeer, count: int) -> None:
        """Let a receiver take that much between two checks."""
        receiver.outbox.take(count)
        self.clock.advance(TICK)


@pytest.fixture(name="scene")
def _scene() -> Scene:
    return Scene()


def pair(scene: Scene, kinds: str) -> tuple[FlowPeer, FlowPeer]:
    """Publisher and receiver; each a client or a route."""
    make = {"client": scene.client, "route": scene.route}
    publisher, receiver = kinds.split(" to ")
    return make[publisher](), make[receiver]()


ACROSS = ["client to route", "route to client"]


@pytest.mark.parametrize("kinds", ACROSS)
def test_the_quick_are_waited_for(scene: Scene, kinds: str) -> None:
    """A receiver that takes 128 KiB in each tenth of a second holds its publishers."""
    publisher, receiver = pair(scene, kinds)
    scene.congest(publisher, receiver, 20 * QUICK_BYTES)

    for _ in range(15):
        scene.take(receiver, QUICK_BYTES)

    assert (1, []) == (publisher.waits, receiver.cuts)


@pytest.mark.parametrize("kinds", ACROSS)
@pytest.mark.parametrize("taken", [0, 1, QUICK_BYTES - 1])
def test_the_slow_are_not(scene: Scene, kinds: str, taken: int) -> None:
    """A receiver that takes less is waited for until the third check, and then no more."""
    publisher, receiver = pair(scene, kinds)
    scene.congest(publisher, receiver)
    before = publisher.waits

    scene.dawdle(receiver, taken)
    later = scene.publish(publisher, receiver)

    assert (1, False, 0) == (before, later, publisher.waits)
    assert [] == receiver.cuts


@pytest.mark.parametrize("kinds", ACROSS)
def test_a_moment_is_not_slowness(scene: Scene, kinds: str) -> None:
    """A receiver that is congested since just before a check is not slow, nor one that misses two checks."""
    publisher, receiver = pair(scene, kinds)
    scene.congest(scene.client(), scene.client())
    scene.clock.advance(TICK - TICK / 100)
    scene.congest(publisher, receiver)
    scene.clock.advance(TICK / 100)

    for _ in range(SLOW_CHECKS - 1):
        scene.take(receiver, 0)
    missed = publisher.waits
    scene.take(receiver, QUICK_BYTES)
    for _ in range(SLOW_CHECKS - 1):
        scene.take(receiver, 0)

    assert (1, 1) == (missed, publisher.waits)


def test_a_slow_client_holds_clients_and_no_routes(scene: Scene) -> None:
    """Clients continue to wait for a slow client; a route, which brings messages of many, does not."""
    client, route, slow = scene.client(), scene.route(), scene.client()
    scene.congest(client, slow)
    assert scene.publish(route, slow)

    scene.dawdle(slow)

    assert (1, 0) == (client.waits, route.waits)
    assert (True, False) == (scene.publish(scene.client(), slow), scene.publish(route, slow))


def test_a_slow_route_is_not_even_asked_about(scene: Scene) -> None:
    """A route that nobody waits for may fill up to its own limit without a question at each message."""
    client, route = pair(scene, "client to route")
    scene.congest(client, route)

    scene.dawdle(route)

    assert ROUTE_PENDING == route.outbox.alarm == 64 * 1024 * 1024
    assert not route.outbox.congested


def test_a_route_that_becomes_quick_is_waited_for_again(scene: Scene) -> None:
    """A route that catches up holds its publishers like before."""
    client, route = pair(scene, "client to route")
    scene.congest(client, route, 5 * HOLD)
    scene.dawdle(route)
    slow = scene.publish(client, route)

    scene.take(route, QUICK_BYTES)
    quick = scene.publish(client, route)

    assert (False, True, 1) == (slow, quick, client.waits)


def test_a_receiver_that_turns_slow_before_the_hold(scene: Scene) -> None:
    """A publisher whose receiver turned out to be slow meanwhile does not begin to wait."""
    client, route = pair(scene, "client to route")
    scene.publish(client, route, 3 * HOLD)
    scene.flow.publisher = client
    pressed = scene.flow.pressed(route)

    scene.dawdle(route)
    scene.flow.hold(client)

    assert (True, 0) == (pressed, client.waits)


def test_a_route_that_drains_is_like_any_other(scene: Scene) -> None:
    """Once little is pending the alarm is where it was."""
    client, route = pair(scene, "client to route")
    scene.congest(client, route)
    scene.dawdle(route)

    scene.flow.drained(route)

    assert (HOLD, 0) == (route.outbox.alarm, client.waits)


@pytest.mark.parametrize("kind", ["client", "route"])
def test_at_its_limit_everybody_waits_for_a_receiver_that_reads(scene: Scene, kind: str) -> None:
    """A receiver that routes did not wait for stops them at `max_pending`; a route has 64 MiB."""
    route, receiver = pair(scene, f"route to {kind}")
    most = LIMITS.max_pending if kind == "client" else ROUTE_PENDING
    scene.congest(route, receiver)
    scene.dawdle(receiver)

    scene.publish(route, receiver, most)
    held = [scene.publish(one, receiver) for one in (route, scene.client(), scene.route())]
    scene.take(receiver, 1)

    assert [True, True, True] == held
    assert ([], 1) == (receiver.cuts, route.waits)


def test_a_receiver_at_its_limit_is_waited_for_until_half_of_it(scene: Scene) -> None:
    """Then routes may fill it again."""
    route, client = pair(scene, "route to client")
    scene.congest(route, client)
    scene.dawdle(client)
    scene.publish(route, client, LIMITS.max_pending)
    scene.publish(route, client)

    client.outbox.take(client.outbox.pending() - LIMITS.max_pending // 2 - SLOW_CHECKS)
    scene.dawdle(client, 0)
    above = route.waits
    scene.dawdle(client)

    assert (1, 0, []) == (above, route.waits, client.cuts)


@pytest.mark.parametrize("kind", ["client", "route"])
def test_a_receiver_at_its_limit_has_the_write_deadline(scene: Scene, kind: str) -> None:
    """A receiver that keeps everybody waiting at its limit for the write deadline is cut."""
    route, receiver = pair(scene, f"route to {kind}")
    scene.congest(route, receiver)
    scene.dawdle(receiver)
    scene.publish(route, receiver, LIMITS.max_pending if kind == "client" else ROUTE_PENDING)
    scene.publish(route, receiver)

    for _ in range(round(LIMITS.write_deadline / TICK) + 1):
        scene.take(receiver, 1)

    assert [DELAYED] == receiver.cuts


def test_a_stuck_route_is_waited_for_at_its_limit(scene: Scene) -> None:
    """A route without progress for a second is waited for again at its limit, until the deadline."""
    client, route = pair(scene, "client to route")
    scene.congest(client, route)
    for _ in range(12):
        scene.clock.advance(TICK)

    scene.publish(client, route, ROUTE_PENDING + 1 - route.outbox.pending())
    held = scene.publish(client, route)
    before = list(route.cuts)
    for _ in range(10):
        scene.clock.advance(TICK)

    assert (True, []) == (held, before)
    assert ["no progress within write_deadline 2s"] == route.cuts


def test_what_the_system_takes_at_the_limit_is_not_pending(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the limit the outbox is flushed before it is judged."""
    route, client = pair(scene, "route to client")
    scene.congest(route, client)
    scene.dawdle(client)
    monkeypatch.setattr(client.outbox, "flush", lambda: client.outbox.take(2))

    scene.publish(route, client, LIMITS.max_pending + 1 - client.outbox.pending())
    held = scene.publish(route, client)

    assert (False, []) == (held, client.cuts)


def test_a_higher_limit_for_clients_holds_for_routes() -> None:
    """What clients may have pending, servers may."""
    scene = Scene(Limits(max_pending=2 * ROUTE_PENDING))
    client, route = pair(scene, "client to route")

    scene.publish(client, route, 3 * HOLD)

    assert 2 * ROUTE_PENDING == route.outbox.alarm


def test_a_route_without_progress_is_cut(scene: Scene) -> None:
    """The write deadline holds for servers as for clients."""
    client, route = pair(scene, "client to route")
    scene.congest(client, route)

    scene.clock.advance(LIMITS.write_deadline + TICK)

    assert ["no progress within write_deadline 2s"] == route.cuts
    assert (0, 0) == (client.waits, scene.clock.timers_outstanding)


def test_a_stuck_route_moves_again(scene: Scene) -> None:
    """A route that was stuck for more than a second and then takes a little is not waited for, nor cut."""
    client, route = pair(scene, "client to route")
    scene.congest(client, route)
    for _ in range(15):
        scene.clock.advance(TICK)

    for _ in range(30):
        scene.dawdle(route)

    assert ([], False, ROUTE_PENDING) == (route.cuts, scene.publish(client, route), route.outbox.alarm)


def test_a_quick_route_beside_a_ready_client_is_not_charged(scene: Scene) -> None:
    """Local clients go at the pace of a quick route, however ready they are."""
    client, route = pair(scene, "client to route")
    scene.congest(client, route)
    client.serves = [route, scene.client()]

    for _ in range(100):
        route.outbox.queue(QUICK_BYTES)
        scene.take(route, QUICK_BYTES)

    assert ([], 1) == (route.cuts, client.waits)
