"""A connection: one peer, its wire, its session and its share of the data plane.

A read travels ``received`` → plane's ingest → session (for lines that are no
plain message) → plane's flush. Whatever keeps a peer from being served further,
a congested receiver, a verdict that takes time, or the turn of others, is one
call of `Connection.wait` and is ended by one of `Connection.go_on`.
"""

import re
from collections.abc import Callable
from typing import Protocol

from app.domain.dataplane.seam import Inlet, Kind, Outbox, Plane, Progress
from app.domain.events import (
    ConnectionClosed,
    Event,
    EventSink,
    InternalFailure,
    LineSent,
    Link,
    PublishersHeld,
    SlowConsumer,
)
from app.domain.failure import described
from app.domain.fair_queue import CROWDED_READ, FairQueue
from app.domain.limits import Limits, route_line
from app.domain.protocol import encode
from app.domain.protocol.commands import LINE_SLACK, readable
from app.domain.sessions.congestion import Peer as FlowPeer
from app.domain.sessions.flow import READ_AHEAD, READ_AHEAD_TOTAL, Flow
from app.domain.sessions.look_ahead import AHEAD_BYTES, LookAhead
from app.domain.sessions.session import Session
from app.domain.sessions.wire import Wire
from app.domain.stats import ConnectionStats, Traffic
from app.domain.timers import Scheduler

_WITH_PAYLOAD = {Kind.CLIENT: frozenset({b"PUB"}), Kind.ROUTE: frozenset({b"PUB", b"MSG"})}
"""Verbs that a payload follows."""

SMALL_READ = 16 * 1024
"""Bytes of a read in which a message without a receiver is postponed."""

EARLY_BYTES = 4096
"""What is read in advance of a peer of which only the end is listened for."""

_PUBLISHES = re.compile(rb"(?:^|\n)pub[ \t]", re.IGNORECASE)
"""Input that matters to others, and so even when its sender has left."""


class Registry(Protocol):
    """The broker, as its connections know it."""

    @property
    def plane(self) -> Plane: ...

    @property
    def limits(self) -> Limits: ...

    @property
    def flow(self) -> Flow: ...

    @property
    def turns(self) -> FairQueue: ...

    @property
    def scheduler(self) -> Scheduler: ...

    @property
    def events(self) -> EventSink: ...

    def opened(self, connection: "Connection") -> None:
        """Its link may carry traffic: time runs for its peer; called at most once."""
        ...

    def closed(self, connection: "Connection") -> None:
        """The connection is closed; called once."""
        ...

    def connection_lost(self) -> None:
        """A connection's wire is lost; called once for each that was accepted."""
        ...

    def flush_rest(self, then: Callable[[], None] | None = None) -> None:
        """Hand over what a flush had no time for, in later turns, and call `then` behind it."""
        ...

    def count_slow_consumer(self, connection: "Connection", reason: str) -> None:
        """A receiver is about to be closed."""
        ...


class Connection:
    """One peer, a client or a server. Implements `Handler` for its wire and `seam.Owner` for its outbox."""

    __slots__ = (
        "_ahead",
        "_answered",
        "_broker",
        "_early",
        "_ending",
        "_listening",
        "_waits",
        "cause",
        "cid",
        "closed",
        "inlet",
        "kind",
        "outbox",
        "pings_out",
        "session",
        "started",
        "wire",
    )

    def __init__(self, broker: Registry, cid: int, wire: Wire, kind: Kind = Kind.CLIENT) -> None:
        """`cid` numbers the connection among the clients and routes of the broker."""
        self._broker = broker
        self.cid = cid
        self.kind = kind
        self.wire = wire
        self.started = broker.scheduler.monotonic()
        self.closed = False
        self.cause = ""
        """Why it ended, where that was not our decision, or it was too slow."""
        self.pings_out = 0
        """Pings that the peer has not answered."""
        self.outbox: Outbox = broker.plane.outbox(wire, self)
        self.session: Session
        self.inlet: Inlet
        self._waits = 0
        self._early: bytes | bytearray = b""
        self._ahead: LookAhead | None = None
        self._answered = 0
        self._listening = False
        self._ending = False

    def attach(self, session: Session) -> None:
        """Give the connection its session; nothing may be received before."""
        self.session = session
        self.inlet = self._broker.plane.inlet(session, self.outbox, self.kind)

    # --- driven by the wire ------------------------------------------------

    def opened(self) -> None:
        self._broker.opened(self)

    def reserve(self) -> memoryview:
        room = self._broker.plane.reserve(self.inlet)
        if self._waits:
            return room[: EARLY_BYTES if self._listening else AHEAD_BYTES]
        if self._broker.turns.is_crowded:
            return room[:CROWDED_READ]
        return room

    def received(self, count: int) -> None:
        if self.closed:
            return
        if self._waits:
            room = self._broker.plane.reserve(self.inlet)
            self._keep_early(room[:count])  # what was reserved before, with the bytes in it
        elif count == CROWDED_READ and self._broker.turns.is_crowded:
            self._queue_up(count)
        else:
            self._advance(count)

    def _queue_up(self, count: int) -> None:
        """Obey what was read in a later round: it is much, and others have used up this one."""
        self.wait()
        self._keep_early(self._broker.plane.reserve(self.inlet)[:count])
        self._broker.turns.enqueue(self.go_on)

    def eof_received(self) -> None:
        if self._waits and not self.closed and not (self._listening and self._is_idle()):
            self._ending = True
        else:
            self.cause = self.cause or "closed by the other end"
            self.close()

    def _is_idle(self) -> bool:
        """Whether nothing that the peer has sent is of use without it."""
        return _PUBLISHES.search(self.inlet.kept() + bytes(self._early)) is None

    def drained(self) -> None:
        self._broker.flow.drained(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.cause = self.cause or (str(error) if error is not None else "") or "closed by the other end"
        self._end()
        self._broker.connection_lost()
        # Break the circles of references, so that memory returns without the collector. The wire
        # goes too: the index's cache may know a removed subscription, and so this object, for long.
        del self.session, self.inlet, self.outbox, self.wire

    # --- reading -----------------------------------------------------------

    def _advance(self, count: int) -> None:
        broker = self._broker
        plane = broker.plane
        plane.now = broker.turns.begin()
        plane.until = broker.turns.until
        broker.flow.ingesting(self)
        try:
            self._ingest(count)
        finally:  # a defect ends this connection; nobody else may be taken for its publisher
            broker.flow.ingesting(None)
            broker.turns.end()

    def _ingest(self, count: int) -> None:
        broker = self._broker
        plane = broker.plane
        plane.patient = 0 < count <= SMALL_READ and self.kind is Kind.CLIENT
        progress = plane.ingest(self.inlet, count)
        if plane.flush():
            self.wait()
            broker.flush_rest(self.go_on)
        if progress is Progress.TURN:
            self.wait()
            broker.turns.enqueue(self.go_on, again=not count)
        elif progress is Progress.LATER:
            self._postpone()
        elif progress is Progress.HELD and not self.closed:
            broker.flow.hold(self)
            if not self._waits:
                self.wait()
                broker.scheduler.call_soon(self.go_on)

    def _postpone(self) -> None:
        """Go on when all that can be read now has been read.

        A client often subscribes on one connection and publishes on another one right after.
        Both can be read at the same time then, in an order that only the kernel knows. So a
        message that nobody listens to waits until the other connections have been read: one
        round of calls for those that are known to be ready, and one for those the loop finds.
        """
        self.wait()
        call_soon = self._broker.scheduler.call_soon
        call_soon(lambda: call_soon(self.go_on))

    def wait(self, *, listening: bool = False) -> None:
        """Obey no more until as many calls of `go_on`, and read no more.

        One reason at most is `listening`: while it is the only one, a little is read on, so that the
        peer's end is seen. A peer that leaves then is closed at once, unless it has messages on the way.
        """
        self._waits += 1
        self._listening = self._listening or listening
        if not self.closed and not self._is_listening():
            self.wire.pause()

    def go_on(self, *, listening: bool = False) -> None:
        """One reason to wait is gone, that which listens or another; with the last, process what was kept."""
        self.guard(lambda: self._go_on(listening=listening))

    def _go_on(self, *, listening: bool) -> None:
        self._waits -= 1
        self._listening = self._listening and not listening
        if self._is_listening() and not self.closed:
            self.wire.resume()
        if not self.may_read():
            return
        self._ahead = None
        if self.inlet.has_rest():
            self._advance(0)
        if self._early and self.may_read():
            self._take_early()
            if self._early and self.may_read():
                self.wait()
                self._broker.scheduler.call_soon(self.go_on)
        if self.may_read():
            if self._ending:
                self.close()
            else:
                self.wire.resume()

    def _keep_early(self, data: memoryview) -> None:
        """Keep what came while the peer has to wait."""
        if not self._early:
            self._early = bytearray()
        self._early += data
        flow = self._broker.flow
        flow.read_ahead += len(data)
        if self._ahead is not None:
            self._answer(self._ahead.feed(bytes(data)))
        if not self._is_listening() and (self._ahead is None or not self._may_read_ahead()):
            self.wire.pause()

    def _is_listening(self) -> bool:
        """Whether a little is read on, to see the peer's end."""
        return self._listening and self._waits == 1 and len(self._early) < EARLY_BYTES

    def _take_early(self) -> None:
        """Process a part of what came while the peer had to wait."""
        room = self._broker.plane.reserve(self.inlet)
        taken = bytes(memoryview(self._early)[: len(room)])
        self._early = self._early[len(taken) :]
        self._broker.flow.read_ahead -= len(taken)
        room[: len(taken)] = taken
        self._advance(len(taken))

    def _drop_early(self) -> None:
        self._broker.flow.read_ahead -= len(self._early)
        self._early = b""

    def look_ahead(self) -> None:
        """The peer has waited for long: read on, within bounds, and answer each PING out of order."""
        self.guard(self._look_ahead)

    def _look_ahead(self) -> None:
        if self.closed or not self._waits or self._ahead is not None:
            return
        longest = LINE_SLACK + route_line(self._broker.limits.max_control_line)
        self._ahead = LookAhead(_WITH_PAYLOAD[self.kind], longest)
        pings = self._ahead.feed(self.inlet.kept()) + self._ahead.feed(bytes(self._early))
        self._answer(pings - self._answered)  # those answered during an earlier wait come first
        if self._may_read_ahead():
            self.wire.resume()

    def _may_read_ahead(self) -> bool:
        return len(self._early) < READ_AHEAD and self._broker.flow.read_ahead < READ_AHEAD_TOTAL

    def _answer(self, pings: int) -> None:
        for _ in range(pings):
            self._answered += 1
            self.report_sent("PONG")
        if pings > 0:
            self.send(encode.PONG * pings)

    def answer_ping(self) -> None:
        """Queue a PONG, unless this PING was answered while the peer waited."""
        if self._answered:
            self._answered -= 1
            return
        self.outbox.send(encode.PONG)
        self.report_sent("PONG")

    def may_read(self) -> bool:
        """Whether the peer may be served further: it is not closed, and nothing keeps it waiting."""
        return not self._waits and not self.closed

    @property
    def distant(self) -> bool:
        """Whether the peer is a server, behind which there are many."""
        return self.kind is Kind.ROUTE

    @property
    def waiting(self) -> bool:
        """Whether something keeps the peer from being served further."""
        return self._waits > 0

    @property
    def listening(self) -> bool:
        """Whether it waits for a reason that has its end watched; see `wait`."""
        return self._listening and not self.closed

    def untaken(self) -> int:
        """What the system holds for the peer; see `Wire.untaken`."""
        return self.wire.untaken()

    def serves_another(self, besides: FlowPeer, low: int) -> bool:
        """Whether one of its latest messages was for another receiver, with at most `low` bytes pending."""
        return not self.closed and self.inlet.serves_another(besides.outbox, low)

    # --- told by the outbox --------------------------------------------------

    def pressed(self, *, own: bool = False) -> bool:
        return self._broker.flow.pressed(self, own=own)

    def sent(self, head: bytes) -> None:
        self._broker.events.record(LineSent(self.link, readable(head)))

    # --- sending -------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Send a line of the control plane at once."""
        self.outbox.send(data)
        if self._broker.plane.flush():
            self._broker.flush_rest()

    def report_sent(self, line: str) -> None:
        """Trace a line of the control plane."""
        if self.outbox.trace:
            self._broker.events.record(LineSent(self.link, line))

    # --- ending --------------------------------------------------------------

    def guard(self, call: Callable[[], None]) -> None:
        """Make a call for this peer alone; what it raises costs this connection, and no other.

        The transport guards its own calls in the same way. All others that the loop makes
        for a connection, of timers, for lack of time and from elsewhere, come through here.
        """
        try:
            call()
        except Exception as error:  # noqa: BLE001 - see above
            self.failed(error)

    def failed(self, error: Exception) -> None:
        """End the connection because of a defect, or for want of memory."""
        if self.closed:
            return
        try:
            self.report(InternalFailure(self.link, described(error)))
        finally:
            self.abort()

    def close(self, farewell: bytes = b"") -> None:
        """Send what is pending and the farewell, then end. May be called again."""
        if not self.closed:
            self.send(farewell)
            self.outbox.flush()  # it may be among those for which there was no time
            self._end()
            self.wire.close()

    def abort(self) -> None:
        """End now; what is pending is lost. May be called again."""
        if not self.closed:
            try:
                self._end()
            finally:
                self.wire.abort()

    def abort_slow(self, reason: str) -> None:
        """End this slow consumer."""
        if not self.closed:
            self._broker.count_slow_consumer(self, reason)
            self.report(SlowConsumer(self.link, reason))
            self.cause = f"Slow Consumer: {reason}"
            self.abort()

    @property
    def title(self) -> tuple[int, str]:
        """Its number, and the name that the peer gave itself."""
        return self.cid, self.session.name

    def report_hold(self, publishers: int, pending: int) -> None:
        """Log that publishers wait for this peer."""
        self.report(PublishersHeld(self.link, self.session.name, publishers, pending))

    def _end(self) -> None:
        if self.closed:
            return
        self.closed = True
        self.inlet.closed = True
        self.outbox.closed = True
        self._drop_early()
        self.session.closed()
        self._broker.closed(self)
        if self.debug:
            self.report(ConnectionClosed(self.link))

    # --- telling -------------------------------------------------------------

    @property
    def link(self) -> Link:
        """This connection in the words of the event log."""
        return Link("rid" if self.distant else "cid", self.cid, str(self.wire.peer))

    @property
    def debug(self) -> bool:
        """Whether the log wants to know what is done for the peer."""
        return self._broker.events.debug

    def report(self, event: Event) -> None:
        """Record a fact."""
        self._broker.events.record(event)

    @property
    def last_activity(self) -> float:
        """When the peer last gave an order or had a message; its start, if it never did."""
        return max(
            self.started, self.session.last_command, self.inlet.last_publish, self.outbox.last_delivery
        )

    def stats(self) -> ConnectionStats:
        """A snapshot; times on the monotonic scale."""
        inlet, outbox, flow = self.inlet, self.outbox, self._broker.flow
        return ConnectionStats(
            cid=self.cid,
            ip=self.wire.peer.ip,
            port=self.wire.peer.port,
            started=self.started,
            last_activity=self.last_activity,
            pending_bytes=outbox.pending(),
            traffic=Traffic(inlet.in_msgs, inlet.in_bytes, outbox.out_msgs, outbox.out_bytes),
            security=self.wire.security,
            holds=flow.holds(self),
            waits_for=tuple(peer.title for peer in flow.waits_for(self)),
        )
