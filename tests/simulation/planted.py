"""Brokers with a defect, planted to prove that each promise is really watched.

``python -m tests.simulation --plant NAME`` plays seeds with one of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final, cast

from app.domain.broker import Broker, Membership, Needs
from app.domain.cluster.info import RouteInfo
from app.domain.cluster.route_session import RouteSession
from app.domain.dataplane.seam import Decision, Group, MakePlane, Plan, Plane, Planner, Search, Target
from app.domain.interest.routing import Audience
from app.domain.limits import Limits
from app.domain.protocol.encode import ServerInfo
from app.domain.security import Security
from app.domain.sessions.connection import Connection
from app.domain.sessions.wire import Handler, Peer, Wire
from app.domain.timers import Scheduler
from tests.simulation.server import MakeBroker
from tests.simulation.truth import GRACE


@dataclass(frozen=True, slots=True)
class Plant:
    """A defect, and the promise that it breaks."""

    promise: str
    """How the violation begins."""
    make_broker: MakeBroker


def _altered(alter: Callable[[Broker], None]) -> MakeBroker:
    """Brokers that something is done to when they are made."""

    def make(limits: Limits, info: ServerInfo, needs: Needs, membership: Membership) -> Broker:
        broker = Broker(limits, info, needs, membership)
        alter(broker)
        return broker

    return make


def _put(broker: Broker, path: str, replacement: Callable[..., object]) -> None:
    """Replace one method of the broker, or of a part of it; it must be there."""
    owner, _, name = path.rpartition(".")
    assert callable(attrgetter(path)(broker))
    setattr(attrgetter(owner)(broker) if owner else broker, name, replacement)


def _without(path: str) -> MakeBroker:
    """Brokers of which one method does nothing."""
    return _altered(lambda broker: _put(broker, path, lambda *_args: None))


# --- in the cluster ------------------------------------------------------------------


def _forwards_what_was_forwarded(broker: Broker) -> None:
    """Treats what came over a route as if a client had published it."""
    accept = broker.accept_route

    def accept_route(wire: Wire) -> Handler:
        connection = accept(wire)
        assert isinstance(connection, Connection)
        connection.inlet.audience = Audience.LENIENT
        return connection

    _put(broker, "accept_route", accept_route)


def _keeps_duplicates(broker: Broker) -> None:
    """Lets every route live, however many lead to the same server."""
    add = attrgetter("cluster._add")(broker)

    def close_duplicate(session: RouteSession, survivor: RouteSession) -> None:
        info = survivor.info
        assert isinstance(info, RouteInfo)
        add(session, info)

    _put(broker, "cluster._close_duplicate", close_duplicate)


# --- in the plans --------------------------------------------------------------------


class _TwicePlane:
    """Makes plans in which two members are drawn from each group."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def plan(self, plain: Sequence[Target], groups: Sequence[Sequence[Group]], refusal: bytes = b"") -> Plan:
        return self._plane.plan(plain, [*groups, *groups], refusal)

    def is_over(self) -> bool:
        return self._plane.is_over()


class _TwicePlanner:
    """Lets a planner decide, and alters what it decides."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self.member = planner.member
        self.plan_failover = planner.plan_failover

    def plan(self, plane: Plane, audience: int, subject: bytes) -> Decision | Search:
        altered = cast("Plane", _TwicePlane(plane))  # the rest is not asked for
        return self._planner.plan(altered, audience, subject)


def _serves_all_members(limits: Limits, info: ServerInfo, needs: Needs, membership: Membership) -> Broker:
    make: MakePlane = needs.make_plane

    def make_plane(planner: Planner, seed: int, max_payload: int, max_control_line: int) -> Plane:
        return make(_TwicePlanner(planner), seed, max_payload, max_control_line)

    return Broker(limits, info, replace(needs, make_plane=make_plane), membership)


# --- on the way to clients -------------------------------------------------------------


class _Tampered(Wire):
    """A wire that changes what is written to it."""

    def __init__(self, wire: Wire, tamper: Callable[[bytes], bytes]) -> None:
        self._wire = wire
        self._tamper = tamper

    @property
    def peer(self) -> Peer:
        return self._wire.peer

    @property
    def security(self) -> Security | None:
        return self._wire.security

    def write(self, data: bytes) -> None:
        self._wire.write(self._tamper(data))

    def writelines(self, chunks: list[bytes]) -> None:
        self.write(b"".join(chunks))

    def pending(self) -> int:
        return self._wire.pending()

    def untaken(self) -> int:
        return self._wire.untaken()

    def pause(self) -> None:
        self._wire.pause()

    def resume(self) -> None:
        self._wire.resume()

    def close(self) -> None:
        self._wire.close()

    def abort(self) -> None:
        self._wire.abort()


def _tampering(make_tamper: Callable[[], Callable[[bytes], bytes]]) -> MakeBroker:
    """Brokers whose clients get something else than was written."""

    def alter(broker: Broker) -> None:
        accept = broker.accept
        _put(broker, "accept", lambda wire: accept(_Tampered(wire, make_tamper())))

    return _altered(alter)


def _repeat() -> Callable[[bytes], bytes]:
    return lambda data: data + data if data.startswith(b"MSG ") else data


def _swallow() -> Callable[[bytes], bytes]:
    """Every seventh delivery."""
    count = 0

    def tamper(data: bytes) -> bytes:
        nonlocal count
        count += data.startswith(b"MSG ")
        return b"" if data.startswith(b"MSG ") and count % 7 == 0 else data

    return tamper


def _swap() -> Callable[[bytes], bytes]:
    """Deliveries overtake each other."""
    held = b""

    def tamper(data: bytes) -> bytes:
        nonlocal held
        if data.startswith(b"MSG ") and not held:
            held = data
            return b""
        data, held = data + held, b""
        return data

    return tamper


class _Dawdling(_Tampered):
    """A wire that takes its time over deliveries."""

    def __init__(self, wire: Wire, scheduler: Scheduler) -> None:
        super().__init__(wire, lambda data: data)
        self._scheduler = scheduler

    def write(self, data: bytes) -> None:
        if data.startswith(b"MSG "):
            self._scheduler.call_later(GRACE + 1.0, lambda: super(_Dawdling, self).write(data))
        else:
            super().write(data)


def _dawdles(broker: Broker) -> None:
    accept = broker.accept
    _put(broker, "accept", lambda wire: accept(_Dawdling(wire, broker.scheduler)))


# --- elsewhere -----------------------------------------------------------------------


def _leaves_timers(broker: Broker) -> None:
    """Sets a timer for each client that goes, and forgets it."""
    lost = broker.connection_lost

    def depart() -> None:
        lost()
        broker.scheduler.call_later(86_400.0, lost)

    _put(broker, "connection_lost", depart)


def _turns_clients_away(broker: Broker) -> None:
    """Closes every client at once."""
    accept = broker.accept

    def turn_away(wire: Wire) -> Handler:
        connection = accept(wire)
        wire.close()
        return connection

    _put(broker, "accept", turn_away)


def _restless(limits: Limits, info: ServerInfo, needs: Needs, membership: Membership) -> Broker:
    """Dials somebody every few seconds, for no reason."""

    def dial() -> None:
        membership.dialer.dial("nowhere", 1, broker.accept_route, lambda _reason: None)
        needs.scheduler.call_later(5.0, dial)

    broker = Broker(limits, info, needs, membership)
    needs.scheduler.call_later(5.0, dial)
    return broker


def _stumbles(broker: Broker) -> None:
    """Raises when a client ends."""

    def lost() -> None:
        raise ZeroDivisionError("planted")

    _put(broker, "connection_lost", lost)


PLANTS: Final[dict[str, Plant]] = {
    "forwards-twice": Plant("at most once", _altered(_forwards_what_was_forwarded)),
    "repeats": Plant("at most once", _tampering(_repeat)),
    "swallows": Plant("exactly once", _tampering(_swallow)),
    "swaps": Plant("order", _tampering(_swap)),
    "dawdles": Plant("in time", _altered(_dawdles)),
    "serves-all-members": Plant("one member per group", _serves_all_members),
    "draws-the-frozen": Plant("in time", _without("interest.suspect")),
    "forgets-unsub": Plant("interest", _without("cluster.interest_announcer.removed")),
    "drops-for-the-gone": Plant("exactly once", _without("interest._routing.failover.left")),
    "keeps-the-dead": Plant("interest", _without("removals.add")),
    "ignores-limits": Plant("UNSUB with max", _without("interest.limit")),
    "serves-the-gone": Plant("UNSUB", _without("interest.remove")),
    "ignores-gossip": Plant("mesh", _without("cluster.heard_of")),
    "gives-up": Plant("mesh", _without("cluster._route_dialer.lost")),
    "keeps-duplicates": Plant("mesh", _altered(_keeps_duplicates)),
    "restless": Plant("calm", _restless),
    "hides-addresses": Plant("addresses", _without("greeting.urls_changed")),
    "leaves-timers": Plant("leak", _altered(_leaves_timers)),
    "never-ends": Plant("shutdown", _without("shutdown")),
    "refuses-clients": Plant("service", _altered(_turns_clients_away)),
    "stumbles": Plant("defect", _altered(_stumbles)),
}
"""By name."""
