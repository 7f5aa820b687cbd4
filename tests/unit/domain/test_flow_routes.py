"""Flow control between servers: only the quick are waited for (ADR 0018)."""

import pytest

from app.adapters.clock_manual import ManualClock
from app.domain.flow import QUICK_BYTES, SLOW_LOOKS, TICK, Flow
from app.domain.limits import ROUTE_PENDING, Limits
from tests.fakes.flow_peer import FlowPeer

LIMITS = Limits()
HOLD = LIMITS.hold_above


class Scene:
    """A flow on a manual clock, with clients and routes."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.clock = ManualClock()
        self.flow = Flow(limits, self.clock)

    def client(self) -> FlowPeer:
        """A client."""
        return self._peer(distant=False)

    def route(self) -> FlowPeer:
        """Another server."""
        return self._peer(distant=True)

    def _peer(self, *, distant: bool) -> FlowPeer:
        peer = FlowPeer(self.flow, distant=distant)
        peer.outbox.alarm = self.limits.hold_above
        return peer

    def publish(self, publisher: FlowPeer, receiver: FlowPeer, count: int) -> bool:
        """Let `count` bytes go to a receiver as a plane would; tell if that held the publisher."""
        receiver.outbox.queue(count)
        self.flow.publisher = publisher
        held = receiver.outbox.pending() > receiver.outbox.alarm and self.flow.pressed(receiver)
        if held:
            self.flow.hold(publisher)
        return held

    def dawdle(self, receiver: FlowPeer, count: int = 1) -> None:
        """Let a receiver take so much at each look, until it counts as slow."""
        for _ in range(SLOW_LOOKS):
            self.take(receiver, count)

    def take(self, receiver: FlowPeer, count: int) -> None:
        """Let a receiver take so much between two looks."""
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
    """A receiver that takes 128 KiB in each tenth of a second holds whoever publishes to it."""
    publisher, receiver = pair(scene, kinds)
    receiver.outbox.queue(20 * QUICK_BYTES)

    held = scene.publish(publisher, receiver, HOLD)
    for _ in range(15):
        scene.take(receiver, QUICK_BYTES)

    assert (True, 1) == (held, publisher.waits)


@pytest.mark.parametrize("kinds", ACROSS)
@pytest.mark.parametrize("taken", [0, 1, QUICK_BYTES - 1])
def test_the_slow_are_not(scene: Scene, kinds: str, taken: int) -> None:
    """A receiver that takes less is waited for until the third look, and then no more."""
    publisher, receiver = pair(scene, kinds)
    scene.publish(publisher, receiver, 3 * HOLD)
    before = publisher.waits

    scene.dawdle(receiver, taken)
    later = scene.publish(publisher, receiver, 1)

    assert (1, False, 0) == (before, later, publisher.waits)
    assert [] == receiver.cuts


@pytest.mark.parametrize("kinds", ACROSS)
def test_a_moment_is_not_slowness(scene: Scene, kinds: str) -> None:
    """Who is congested since just before a look is not slow, nor who misses two looks."""
    publisher, receiver = pair(scene, kinds)
    scene.publish(scene.client(), scene.client(), 3 * HOLD)
    scene.clock.advance(TICK - TICK / 100)
    scene.publish(publisher, receiver, 3 * HOLD)
    scene.clock.advance(TICK / 100)

    for _ in range(SLOW_LOOKS - 1):
        scene.take(receiver, 0)
    missed = publisher.waits
    scene.take(receiver, QUICK_BYTES)
    for _ in range(SLOW_LOOKS - 1):
        scene.take(receiver, 0)

    assert (1, 1) == (missed, publisher.waits)


def test_a_slow_client_holds_clients_and_no_routes(scene: Scene) -> None:
    """Clients go on waiting for a slow client; a route, behind which there are many, does not."""
    client, route, slow = scene.client(), scene.route(), scene.client()
    scene.publish(client, slow, 3 * HOLD)
    scene.publish(route, slow, 1)

    scene.dawdle(slow)

    assert (1, 0) == (client.waits, route.waits)
    assert (True, False) == (scene.publish(scene.client(), slow, 1), scene.publish(route, slow, 1))


def test_a_slow_route_is_not_even_asked_about(scene: Scene) -> None:
    """A route that nobody waits for may fill up to its own limit without a question at each message."""
    client, route = pair(scene, "client to route")
    scene.publish(client, route, 3 * HOLD)

    scene.dawdle(route)

    assert ROUTE_PENDING == route.outbox.alarm == 64 * 1024 * 1024


def test_who_becomes_quick_is_waited_for_again(scene: Scene) -> None:
    """A route that catches up is held for like before."""
    client, route = pair(scene, "client to route")
    scene.publish(client, route, 5 * HOLD)
    scene.dawdle(route)
    slow = scene.publish(client, route, 1)

    scene.take(route, QUICK_BYTES)
    quick = scene.publish(client, route, 1)

    assert (False, True, 1, HOLD) == (slow, quick, client.waits, route.outbox.alarm)


def test_who_turns_slow_before_the_hold(scene: Scene) -> None:
    """A publisher whose receiver turned out to be slow meanwhile does not begin to wait."""
    client, route = pair(scene, "client to route")
    route.outbox.queue(3 * HOLD)
    scene.flow.publisher = client
    pressed = scene.flow.pressed(route)

    scene.dawdle(route)
    scene.flow.hold(client)

    assert (True, 0) == (pressed, client.waits)


def test_a_route_that_drains_is_like_any_other(scene: Scene) -> None:
    """Once little is pending the alarm is where it was."""
    client, route = pair(scene, "client to route")
    scene.publish(client, route, 3 * HOLD)
    scene.dawdle(route)

    scene.flow.drained(route)

    assert (HOLD, 0) == (route.outbox.alarm, client.waits)


def test_a_route_may_have_more_pending_than_a_client(scene: Scene) -> None:
    """It is cut above 64 MiB, a client above its limit."""
    client, route = scene.client(), scene.route()
    scene.publish(scene.client(), client, LIMITS.max_pending + 1)
    scene.publish(scene.client(), route, ROUTE_PENDING)
    before = list(route.cuts)

    scene.publish(scene.client(), route, 1)

    assert [f"{LIMITS.max_pending + 1} pending bytes exceed max_pending {LIMITS.max_pending}"] == client.cuts
    assert [] == before
    assert [f"{ROUTE_PENDING + 1} pending bytes exceed max_pending {ROUTE_PENDING}"] == route.cuts


def test_a_higher_limit_for_clients_holds_for_routes() -> None:
    """What clients may have pending, servers may."""
    scene = Scene(Limits(max_pending=2 * ROUTE_PENDING))
    client, route = pair(scene, "client to route")

    scene.publish(client, route, 2 * ROUTE_PENDING)

    assert [] == route.cuts


def test_a_slow_route_is_cut_when_it_is_full(scene: Scene) -> None:
    """A route that is waited for no more is still asked about at its own limit."""
    client, route = pair(scene, "client to route")
    scene.publish(client, route, 3 * HOLD)
    scene.dawdle(route)

    scene.publish(client, route, ROUTE_PENDING)

    assert 1 == len(route.cuts)


def test_a_route_without_progress_is_cut(scene: Scene) -> None:
    """The write deadline holds for servers as for clients."""
    client, route = pair(scene, "client to route")
    scene.publish(client, route, 3 * HOLD)

    scene.clock.advance(LIMITS.write_deadline + TICK)

    assert ["no progress within write_deadline 2s"] == route.cuts
    assert (0, 0) == (client.waits, scene.clock.timers_outstanding)


def test_a_stuck_route_moves_again(scene: Scene) -> None:
    """A route that was stuck for more than a second and then takes a little is not waited for, nor cut."""
    client, route = pair(scene, "client to route")
    scene.publish(client, route, 3 * HOLD)
    for _ in range(15):
        scene.clock.advance(TICK)

    for _ in range(30):
        scene.dawdle(route)

    assert ([], False, ROUTE_PENDING) == (route.cuts, scene.publish(client, route, 1), route.outbox.alarm)


def test_nobody_publishes(scene: Scene) -> None:
    """What the server itself sends to a client is judged like what clients send."""
    client = scene.client()
    client.outbox.queue(3 * HOLD)

    assert scene.flow.pressed(client)
