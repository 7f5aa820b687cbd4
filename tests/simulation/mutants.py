"""Mutants: brokers with one injected defect each, to prove that every promise is checked.

``python -m tests.simulation --mutant NAME`` plays seeds with one of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final, cast

from app.domain.broker import Broker
from app.domain.broker_needs import Membership, Needs
from app.domain.cluster.info import RouteInfo
from app.domain.cluster.route_session import RouteSession
from app.domain.dataplane.seam import Decision, Group, Hook, MakePlane, Plan, Plane, Planner, Search, Target
from app.domain.interest.routing import Audience
from app.domain.leaf.session import LeafSession
from app.domain.limits import Limits
from app.domain.protocol.compatibility import Compatibility
from app.domain.protocol.encode import ServerInfo
from app.domain.security.link_security import Security
from app.domain.sessions.connection import Connection
from app.domain.sessions.wire import Handler, PeerAddress, Wire
from app.domain.timers import Scheduler
from tests.simulation.oracle import GRACE
from tests.simulation.server import MakeBroker


@dataclass(frozen=True, slots=True)
class Mutant:
    """A broker with a defect, and the promise that it breaks."""

    promise: str
    """The first words of the violation."""
    make_broker: MakeBroker


def altered(alter: Callable[[Broker], None]) -> MakeBroker:
    """Brokers that `alter` changes when they are made."""

    def make(
        limits: Limits,
        info: ServerInfo,
        needs: Needs,
        membership: Membership | None,
        *,
        compatibility: Compatibility,
    ) -> Broker:
        broker = Broker(limits, info, needs, membership, compatibility=compatibility)
        alter(broker)
        return broker

    return make


def _put(broker: Broker, path: str, replacement: Callable[..., object]) -> None:
    """Replace one method of the broker, or of a part of it; the method must exist."""
    owner, _, name = path.rpartition(".")
    assert callable(attrgetter(path)(broker))
    setattr(attrgetter(owner)(broker) if owner else broker, name, replacement)


def _without(path: str) -> MakeBroker:
    """Brokers with one method that does nothing."""
    return altered(lambda broker: _put(broker, path, lambda *_args: None))


# --- in the cluster ------------------------------------------------------------------


def _forwards_routed_messages(broker: Broker) -> None:
    """Forwards messages from a route as if a client had published them."""
    accept = broker.accept_route

    def accept_route(wire: Wire) -> Handler:
        connection = accept(wire)
        assert isinstance(connection, Connection)
        connection.inlet.audience = Audience.LENIENT
        return connection

    _put(broker, "accept_route", accept_route)


def _keeps_duplicate_routes(broker: Broker) -> None:
    """Keeps all routes to the same server."""
    add = attrgetter("cluster._add")(broker)

    def close_duplicate(session: RouteSession, survivor: RouteSession) -> None:
        info = survivor.info
        assert isinstance(info, RouteInfo)
        add(session, info)

    _put(broker, "cluster._close_duplicate", close_duplicate)


# --- in the tree -----------------------------------------------------------------------


def _with_altered_links(change: Callable[[LeafSession], None]) -> MakeBroker:
    """Brokers whose leaf links `change` alters when their handshake is over."""

    def alter(broker: Broker) -> None:
        if broker.leaves is None:
            return
        begin = broker.leaves.begin

        def altered(session: LeafSession) -> None:
            change(session)
            begin(session)

        _put(broker, "leaves.begin", altered)

    return altered(alter)


def _take_for_a_client(session: LeafSession) -> None:
    """Send on what comes over the link as if a client had published it."""
    session.connection.inlet.audience = Audience.LENIENT


def _forget_the_cluster(session: LeafSession) -> None:
    """Take each member of a mesh of leaves for a server that is alone."""
    session.name_peer(session.name, session.name)
    session.limit((), ())


def _hears_of_no_end(broker: Broker) -> None:
    """Let hubs and leaves hear of no interest that ends."""
    if broker.leaves is not None:
        _put(broker, "leaves.interest.removed", lambda *_args: None)


# --- in the plans --------------------------------------------------------------------


class _TwoMemberPlane:
    """Makes plans that draw two members from each group."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def plan(
        self,
        plain: Sequence[Target],
        groups: Sequence[Sequence[Group]],
        refusal: bytes = b"",
        *,
        denied: bool = False,
        hook: Hook = Hook.NONE,
    ) -> Plan:
        return self._plane.plan(plain, [*groups, *groups], refusal, denied=denied, hook=hook)

    def is_over(self) -> bool:
        return self._plane.is_over()


class _TwoMemberPlanner:
    """Delegates to a planner, and alters its plans."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self.member = planner.member
        self.plan_failover = planner.plan_failover

    def plan(self, plane: Plane, audience: int, subject: bytes) -> Decision | Search:
        altered = cast("Plane", _TwoMemberPlane(plane))  # a planner uses no other method
        return self._planner.plan(altered, audience, subject)


def _serves_two_members(
    limits: Limits,
    info: ServerInfo,
    needs: Needs,
    membership: Membership | None,
    *,
    compatibility: Compatibility,
) -> Broker:
    make: MakePlane = needs.make_plane

    def make_plane(planner: Planner, seed: int, max_payload: int, max_control_line: int) -> Plane:
        return make(_TwoMemberPlanner(planner), seed, max_payload, max_control_line)

    altered = replace(needs, make_plane=make_plane)
    return Broker(limits, info, altered, membership, compatibility=compatibility)


# --- in the output to clients ------------------------------------------------------------


class _AlteredWire(Wire):
    """A wire that alters its output."""

    def __init__(self, wire: Wire, change: Callable[[bytes], bytes]) -> None:
        self._wire = wire
        self._change = change

    @property
    def peer(self) -> PeerAddress:
        return self._wire.peer

    @property
    def security(self) -> Security | None:
        return self._wire.security

    def write(self, data: bytes) -> None:
        self._wire.write(self._change(data))

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


def _with_altered_output(make_change: Callable[[], Callable[[bytes], bytes]]) -> MakeBroker:
    """Brokers whose clients receive altered output."""

    def alter(broker: Broker) -> None:
        accept = broker.accept
        _put(broker, "accept", lambda wire: accept(_AlteredWire(wire, make_change())))

    return altered(alter)


def _duplicate() -> Callable[[bytes], bytes]:
    return lambda data: data + data if data.startswith(b"MSG ") else data


def _drop() -> Callable[[bytes], bytes]:
    """Drop every seventh delivery."""
    count = 0

    def change(data: bytes) -> bytes:
        nonlocal count
        count += data.startswith(b"MSG ")
        return b"" if data.startswith(b"MSG ") and count % 7 == 0 else data

    return change


def _reorder() -> Callable[[bytes], bytes]:
    """Swap every two deliveries."""
    held = b""

    def change(data: bytes) -> bytes:
        nonlocal held
        if data.startswith(b"MSG ") and not held:
            held = data
            return b""
        data, held = data + held, b""
        return data

    return change


def _cut_headers() -> Callable[[bytes], bytes]:
    """Spoil a byte of each header block."""
    return lambda data: data.replace(b"NATS/1.0\r\nN: ", b"NATS/1.0\r\nN; ")


def _hide_nobody() -> Callable[[bytes], bytes]:
    """Send other requests' subjects to those whose request reached nobody."""
    return lambda data: data.replace(b"\r\nNats-Subject: svc.", b"\r\nNats-Subject: svs.")


def _keep_back_nobody() -> Callable[[bytes], bytes]:
    """Drop the answers to requests that reach nobody."""
    return lambda data: b"" if data.startswith(b"HMSG ") and b"NATS/1.0 503" in data[:80] else data


def _knows_no_features(
    limits: Limits,
    info: ServerInfo,
    needs: Needs,
    membership: Membership | None,
    *,
    compatibility: Compatibility,  # noqa: ARG001 - that is the defect
) -> Broker:
    """Takes no notice of what clients of today ask for."""
    return Broker(limits, info, needs, membership)


class _DelayedWire(_AlteredWire):
    """A wire that delays deliveries."""

    def __init__(self, wire: Wire, scheduler: Scheduler) -> None:
        super().__init__(wire, lambda data: data)
        self._scheduler = scheduler

    def write(self, data: bytes) -> None:
        if data.startswith(b"MSG "):
            self._scheduler.call_later(GRACE + 1.0, lambda: super(_DelayedWire, self).write(data))
        else:
            super().write(data)


def _delays_deliveries(broker: Broker) -> None:
    accept = broker.accept
    _put(broker, "accept", lambda wire: accept(_DelayedWire(wire, broker.scheduler)))


# --- elsewhere -----------------------------------------------------------------------


def _leaks_timers(broker: Broker) -> None:
    """Starts a timer for each client that leaves, and never cancels it."""
    lost = broker.connection_lost

    def depart() -> None:
        lost()
        broker.scheduler.call_later(86_400.0, lost)

    _put(broker, "connection_lost", depart)


def _refuses_clients(broker: Broker) -> None:
    """Closes every client at once."""
    accept = broker.accept

    def refuse(wire: Wire) -> Handler:
        connection = accept(wire)
        wire.close()
        return connection

    _put(broker, "accept", refuse)


def _dials_needlessly(
    limits: Limits,
    info: ServerInfo,
    needs: Needs,
    membership: Membership | None,
    *,
    compatibility: Compatibility,
) -> Broker:
    """Dials an unknown host every five seconds."""

    def dial() -> None:
        assert membership is not None
        membership.dialer.dial("nowhere", 1, broker.accept_route, lambda _reason: None)
        needs.scheduler.call_later(5.0, dial)

    broker = Broker(limits, info, needs, membership, compatibility=compatibility)
    needs.scheduler.call_later(5.0, dial)
    return broker


def _raises(broker: Broker) -> None:
    """Raises when a client ends."""

    def lost() -> None:
        raise ZeroDivisionError("a mutant")

    _put(broker, "connection_lost", lost)


MUTANTS: Final[dict[str, Mutant]] = {
    "forwards-twice": Mutant("at most once", altered(_forwards_routed_messages)),
    "forwards-twice-over-links": Mutant("at most once", _with_altered_links(_take_for_a_client)),
    "forgets-the-cluster-of-leaves": Mutant("tree", _with_altered_links(_forget_the_cluster)),
    "announces-no-end-of-interest": Mutant("interest", altered(_hears_of_no_end)),
    "duplicates-deliveries": Mutant("at most once", _with_altered_output(_duplicate)),
    "drops-deliveries": Mutant("exactly once", _with_altered_output(_drop)),
    "reorders-deliveries": Mutant("order", _with_altered_output(_reorder)),
    "delays-deliveries": Mutant("in time", altered(_delays_deliveries)),
    "spoils-headers": Mutant("headers", _with_altered_output(_cut_headers)),
    "names-no-subject": Mutant("no responders", _with_altered_output(_hide_nobody)),
    "hides-that-nobody-is-there": Mutant("no responders", _with_altered_output(_keep_back_nobody)),
    "echoes": Mutant("echo", _knows_no_features),
    "serves-two-members": Mutant("one member per group", _serves_two_members),
    "never-suspects": Mutant("in time", _without("interest.suspect")),
    "announces-no-unsub": Mutant("interest", _without("cluster.interest_announcer.removed")),
    "no-failover": Mutant("exactly once", _without("interest._routing.failover.left")),
    "keeps-closed-sessions": Mutant("interest", _without("removals.add")),
    "ignores-max": Mutant("UNSUB with max", _without("interest.limit")),
    "ignores-unsub": Mutant("UNSUB", _without("interest.remove")),
    "ignores-gossip": Mutant("mesh", _without("cluster.heard_of")),
    "never-redials": Mutant("mesh", _without("cluster._route_dialer.lost")),
    "keeps-duplicate-routes": Mutant("mesh", altered(_keeps_duplicate_routes)),
    "dials-needlessly": Mutant("idle", _dials_needlessly),
    "hides-addresses": Mutant("addresses", _without("greeting.urls_changed")),
    "leaks-timers": Mutant("leak", altered(_leaks_timers)),
    "never-shuts-down": Mutant("shutdown", _without("shutdown")),
    "refuses-clients": Mutant("service", altered(_refuses_clients)),
    "raises": Mutant("defect", altered(_raises)),
}
"""By name."""
