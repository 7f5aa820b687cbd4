"""A connection: one peer, its wire, its session and its share of the data plane.

A read travels ``received`` → plane's ingest → session (for lines that are no
plain message) → plane's flush. Whatever keeps a peer from being served further,
a congested receiver, a verdict that takes time, or the turn of others, is one
call of `Connection.wait` and is ended by one of `Connection.go_on`.

How a connection ends, in the words of all who take part:

    verb              from whom to whom                    what it means
    eof_received      wire → connection                    the peer sends no more
    end               session → connection                 it logs why, and closes
    close             session, host → connection → wire    we end it; what is pending is sent
    abort             anybody here → connection → wire     we end it now; what is pending is lost
    abort_slow        flow control → connection            the same, for a slow consumer
    failed            anybody here → connection            the same, for a defect
    closed            connection → session, host           it serves nobody any more; give up what it held
    connection_lost   wire → connection → host             the link is gone; the last call of all

``closed`` and ``connection_lost`` come once each. `Connection.closed` is true from ``close`` or
``abort`` on, at the latest from ``connection_lost`` on.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..closing_reason import ClosingReason, reason_of_loss
from ..dataplane.seam import Inlet, Outbox, Progress
from ..events import ConnectionClosed, Event, InternalFailure, LineSent, Link, PublishersHeld, SlowConsumer
from ..failure import described
from ..fair_queue import CROWDED_READ, SHORT
from ..peer_kind import PeerKind
from ..protocol import encode
from ..protocol.commands import readable
from ..stats import ConnectionStats
from .congestion import Peer as FlowPeer
from .connection_stats import stats_of
from .deferred_flush import SHORT_READ
from .early_input import EARLY_BYTES, NOTHING_EARLY
from .host import Host
from .look_ahead import AHEAD_BYTES
from .publish_meter import PublishMeter
from .wire import Wire

if TYPE_CHECKING:
    from .hook_pipeline import HookPipeline
    from .peer import PeerSession

SMALL_READ = 16 * 1024
"""Bytes of a read in which a message without a receiver may be postponed."""

_CLIENT, _DONE = PeerKind.CLIENT, Progress.DONE
"""Names that are looked up for each read: members of an enum are sought in their class."""


class Connection:
    """One peer, a client or a server. Implements `Handler` for its wire and `seam.Owner` for its outbox."""

    __slots__ = (
        "_early",
        "_ending",
        "_host",
        "_listening",
        "_pinged",
        "cause",
        "cid",
        "closed",
        "closing",
        "hook_pipeline",
        "inlet",
        "kind",
        "meter",
        "outbox",
        "pings_out",
        "rtt",
        "session",
        "started",
        "waits",
        "was_opened",
        "watcher",
        "wire",
    )

    def __init__(self, host: Host, cid: int, wire: Wire, kind: PeerKind = PeerKind.CLIENT) -> None:
        """`cid` numbers the connection among all of the host."""
        self._host = host
        self.cid = cid
        self.kind = kind
        self.wire = wire
        self.started = host.scheduler.monotonic()
        self.closed = False
        self.cause = ""
        """Why it ended, where that was not our decision, or it was too slow."""
        self.closing: ClosingReason | None = None
        """Why it ended, in the words of monitoring; see `closes_for`."""
        self.was_opened = False
        """Whether the link could carry traffic."""
        self.watcher: Callable[[bytes], None] | None = None
        """Receives the line of each message for the peer, if its session wants to know; see `watch`."""
        self.meter: PublishMeter | None = None
        """Holds the peer to a publish rate, if its user has one."""
        self.pings_out = 0
        """Pings that the peer has not answered."""
        self.rtt = 0.0
        """Seconds between a ping and its answer, the last time; 0 before the first answer."""
        self._pinged: float | None = None
        """When the first ping was sent that has no answer."""
        self.outbox: Outbox = host.plane.outbox(wire, self)
        self.session: PeerSession
        self.inlet: Inlet
        self.hook_pipeline: HookPipeline | None = None  # for a peer of whose messages hooks have seen some
        self._early = NOTHING_EARLY
        self.waits = 0
        """Reasons for which the peer is not served further; see `wait`."""
        self._listening = self._ending = False

    def attach(self, session: "PeerSession") -> None:
        """Give the connection its session; nothing may be received before."""
        self.session = session
        self.inlet = self._host.plane.inlet(session, self.outbox, session.dialect)
        self.configure()

    def configure(self) -> None:
        """Take over the limits and trace flags of the host; again when they have changed."""
        host, inlet = self._host, self.inlet
        self.session.configure(host.limits)
        host.plane.limit(inlet)
        if self.hook_pipeline is not None:
            host.plane.limit(self.hook_pipeline.inlet)
        self.outbox.alarm = host.flow.alarm(self)
        inlet.trace = host.events.trace
        self.outbox.trace = inlet.trace or self.watcher is not None

    def _inlets(self) -> list[Inlet]:
        return [self.inlet] if self.hook_pipeline is None else [self.inlet, self.hook_pipeline.inlet]

    def watch(self, watcher: Callable[[bytes], None] | None) -> None:
        """Let this be the watcher from now on."""
        self.watcher = watcher
        self.outbox.trace = self.inlet.trace or watcher is not None

    def unprocessed(self) -> bytes:
        """Input of the peer that is not processed yet, from the beginning of a line on."""
        return self.inlet.kept() + self._early.peek()

    # --- driven by the wire ------------------------------------------------

    def opened(self) -> None:
        """See `Handler`."""
        self.was_opened = True
        self._host.opened(self)

    def reserve(self) -> memoryview:
        """See `Handler`. A peer that has to wait, or that others wait for, is read in small pieces."""
        room = self._host.plane.reserve(self.inlet)
        if self.waits:
            return room[: EARLY_BYTES if self._listening else AHEAD_BYTES]
        if self._host.turns.is_crowded or self.meter is not None:
            return room[:CROWDED_READ]
        return room

    def received(self, count: int) -> None:
        """See `Handler`."""
        if self.closed:
            return
        if self.waits:
            room = self._host.plane.reserve(self.inlet)
            self._keep_early(room[:count])  # what was reserved before, with the bytes in it
        elif count == CROWDED_READ and self._host.turns.is_crowded:
            self.wait()  # it is much, and others have used up this round
            self._keep_early(self._host.plane.reserve(self.inlet)[:count])
            self._host.turns.enqueue(self.go_on)
        else:
            self._advance(count)

    def eof_received(self) -> None:
        """See `Handler`. Input of a peer that has to wait is processed first, if it matters to others."""
        self._ending = True
        self._leave_if_useless()

    def _leave_if_useless(self) -> None:
        """Close for a peer that sends no more, unless its kept input is still to be processed."""
        if not self.closed and (not self.waits or self._is_idle()):
            self.cause = self.cause or "closed by the other end"
            self.closes_for(ClosingReason.CLIENT_CLOSED)
            self.close()

    def _is_idle(self) -> bool:
        """Whether nothing that matters to others is kept of a peer that waits."""
        kept = b"".join(one.kept() for one in reversed(self._inlets()))
        return self._listening and self._early.is_idle(kept)

    def drained(self) -> None:
        """See `Handler`."""
        self._host.flow.drained(self)

    def connection_lost(self, error: Exception | None) -> None:
        """See `Handler`."""
        self.cause = self.cause or (str(error) if error is not None else "") or "closed by the other end"
        loss = reason_of_loss(error) if self.was_opened else ClosingReason.TLS_HANDSHAKE_FAILURE
        self.closes_for(loss)
        self._mark_closed()
        self._host.connection_lost()
        # Break the circles of references, so that memory returns without the collector. The wire
        # goes too: the index's cache may know a removed subscription, and so this object, for long.
        del self.session, self.inlet, self.outbox, self.wire, self.hook_pipeline

    # --- reading -----------------------------------------------------------

    def _advance(self, count: int) -> None:
        """Obey what came, or was kept. Each function that is called here is a part of each round trip."""
        host = self._host
        plane, flow, turns = host.plane, host.flow, host.turns
        plane.now = began = turns.begin()
        plane.until = turns.until
        may_wait = 0 < count <= SMALL_READ and self.kind is _CLIENT
        plane.patient = turns.ask_others if may_wait else None
        flow.publisher = self
        if flow.pressing:
            flow.pressing.clear()
        try:
            if self.hook_pipeline is not None and not self.hook_pipeline.go_on():
                progress = Progress.STOPPED
            else:
                progress = plane.ingest(self.inlet, count)
            deferred = host.deferred
            deferred.reads += 1
            is_short = deferred.reads >= deferred.asked_from and 0 < count <= SHORT_READ
            if is_short and progress is _DONE:
                deferred.flush_later(self)
            elif plane.finish():
                deferred.hold(self)
            if progress is not _DONE:
                self.obey(progress, again=not count)
            if self.meter is not None:
                self.meter.pay(self)
        except Exception:
            host.deferred.hold()  # what others were given goes out all the same
            raise
        finally:  # a defect ends this connection; nobody else may be taken for its publisher
            flow.publisher = None
            spent = host.scheduler.monotonic() - began
            if spent > SHORT:
                turns.count(spent)

    def obey(self, progress: Progress, *, again: bool = True) -> None:
        """Do what the end of an ingest asks for; `again`: it went on with what was kept."""
        if progress is Progress.TURN:
            self.wait()
            self._host.turns.enqueue(self.go_on, again=again)
        elif progress is Progress.LATER:
            self._postpone()
        elif progress is Progress.HELD and not self.closed:
            self._host.flow.hold(self)
            if not self.waits:
                self.wait()
                self._host.scheduler.call_soon(self.go_on)

    def _postpone(self) -> None:
        """Go on when all that can be read now has been read.

        A client often subscribes on one connection and publishes on another one right after.
        Both can be read at the same time then, in an order that only the kernel knows. So a message
        that nobody listens to waits until the other connections have been read, if there is anything
        to read. A little is read on meanwhile: to stop and begin again would take longer than that.
        """
        self.wait(listening=True)
        self._host.turns.postpone(partial(self.go_on, listening=True))

    def wait(self, *, listening: bool = False) -> None:
        """Process no input, and read none, until as many calls of `go_on`.

        One reason at most is `listening`: while it is the only one, a little is read on, so that the
        peer's end is seen. A peer that leaves then is closed at once, unless it has messages on the way.
        """
        self.waits += 1
        self._listening = self._listening or listening
        if not self.closed and not self._is_listening():
            self.wire.pause()

    def go_on(self, *, listening: bool = False) -> None:
        """One reason to wait is gone, that which listens or another; with the last, process what was kept."""
        self.guard(lambda: self._go_on(listening=listening))

    def _go_on(self, *, listening: bool) -> None:
        self.waits -= 1
        self._listening = self._listening and not listening
        if self._is_listening() and not self.closed:
            self.wire.resume()
        if not self.may_read():
            return
        self._early.stop_looking()
        if self.inlet.has_rest() or (self.hook_pipeline is not None and self.hook_pipeline.is_busy):
            self._advance(0)
        if self._early and self.may_read():
            self._advance(self._early.take(self._host.plane.reserve(self.inlet)))
            if self._early and self.may_read():
                self.wait()
                self._host.scheduler.call_soon(self.go_on)
        if self._ending and not self.closed:  # later: a verdict may come in the middle of a read
            self._host.scheduler.call_soon(partial(self.guard, self._leave_if_useless))
        elif self.may_read():
            self.wire.resume()

    def _keep_early(self, data: memoryview) -> None:
        """Keep what came while the peer has to wait."""
        early = self._early = self._early.begun(self._host.flow)
        self._answer(early.keep(data))
        if not self._is_listening() and not (early.is_looked_through and early.may_grow):
            self.wire.pause()

    def _is_listening(self) -> bool:
        """Whether a little is read on, to see the peer's end."""
        return self._listening and self.waits == 1 and len(self._early) < EARLY_BYTES

    def look_ahead(self) -> None:
        """The peer has waited for long: read on, within bounds, and answer each PING out of order."""
        self.guard(self._look_ahead)

    def _look_ahead(self) -> None:
        if self.closed or not self.waits or self._early.is_looked_through:
            return
        self._early = self._early.begun(self._host.flow)
        self._answer(self._early.look(self.kind, self._host.limits, self.inlet.kept()))
        if self._early.may_grow:
            self.wire.resume()

    def _answer(self, pings: int) -> None:
        for _ in range(pings):
            self._early.note_answer()
            self.report_sent("PONG")
        if pings > 0:
            self.send(encode.PONG * pings)

    def answer_ping(self) -> None:
        """Queue a PONG, unless this PING was answered while the peer waited."""
        if not self._early.was_answered():
            self.outbox.send(encode.PONG)
            self.report_sent("PONG")

    def note_ping(self) -> None:
        """A ping is about to be sent; it counts, unless its answer waits with input that waits, too."""
        if not self.waits:
            self.pings_out += 1
            if self._pinged is None:
                self._pinged = self._host.scheduler.monotonic()

    def note_pong(self) -> None:
        """The peer has answered all pings. A PONG without a ping does not count."""
        self.pings_out = 0
        if self._pinged is not None:
            self.rtt = self._host.scheduler.monotonic() - self._pinged
            self._pinged = None

    def may_read(self) -> bool:
        """Whether the peer may be served further: it is not closed, and nothing keeps it waiting."""
        return not self.waits and not self.closed

    @property
    def is_server(self) -> bool:
        """Whether the peer is a server, which has many clients."""
        return self.kind is not PeerKind.CLIENT

    @property
    def debug(self) -> bool:
        """Whether the log takes debug lines about the peer."""
        return self._host.events.debug

    @property
    def waiting(self) -> bool:
        """Whether something keeps the peer from being served further."""
        return self.waits > 0

    @property
    def listening(self) -> bool:
        """Whether it waits for a reason that has its end watched; see `wait`."""
        return self._listening and not self.closed

    def untaken(self) -> int:
        """Bytes that the system holds for the peer; see `Wire.untaken`."""
        return self.wire.untaken()

    def serves_another(self, besides: FlowPeer, low: int) -> bool:
        """Whether one of its latest messages was for another receiver, with at most `low` bytes pending."""
        return not self.closed and any(one.serves_another(besides.outbox, low) for one in self._inlets())

    def pressed(self, *, own: bool = False) -> bool:
        """See `Owner`."""
        return self._host.flow.pressed(self, own=own)

    def sent(self, head: bytes) -> None:
        """See `Owner`."""
        if self.watcher is not None:
            self.watcher(head)
        if self.inlet.trace:
            self._host.events.record(LineSent(self.link, readable(head)))

    # --- sending -------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Send a line of the control plane at once."""
        self.outbox.send(data)
        self._host.deferred.flush()

    def report_sent(self, line: str) -> None:
        """Trace a line of the control plane."""
        if self.inlet.trace:
            self._host.events.record(LineSent(self.link, line))

    # --- ending --------------------------------------------------------------

    def guard(self, call: Callable[[], None]) -> None:
        """Make a call of the loop for this peer alone; what it raises costs this connection, and no other."""
        try:
            call()
        except Exception as error:  # noqa: BLE001 - see above
            self.failed(error)

    def failed(self, error: Exception) -> None:
        """End the connection because of a defect, or for lack of memory."""
        if self.closed:
            return
        self.closes_for(ClosingReason.INTERNAL_ERROR)
        try:
            self.report(InternalFailure(self.link, described(error)))
        finally:
            self.abort()

    def close(self, farewell: bytes = b"") -> None:
        """Send what is pending and the last line, then end. May be called again."""
        if not self.closed:
            self.send(farewell)
            self.outbox.flush()  # it may be in the part that a flush has deferred
            self._mark_closed()
            self.wire.close()

    def abort(self) -> None:
        """End now; what is pending is lost. May be called again."""
        if not self.closed:
            try:
                self._mark_closed()
            finally:
                self.wire.abort()

    def abort_slow(self, reason: str, *, full: bool = False) -> None:
        """End this slow consumer; `full` if more is pending than may be."""
        if not self.closed:
            self.closes_for(ClosingReason.SLOW_PENDING if full else ClosingReason.SLOW_DEADLINE)
            self._host.slow.aborted(self, reason)
            self.report(SlowConsumer(self.link, reason))
            self.cause = f"Slow Consumer: {reason}"
            self.abort()

    def closes_for(self, reason: ClosingReason) -> None:
        """It is about to be closed for this reason, unless there is one already."""
        self.closing = self.closing or reason

    @property
    def title(self) -> tuple[int, str]:
        """Its number, and the name that the peer gave itself."""
        return self.cid, self.session.name

    def report_hold(self, publishers: int, pending: int) -> None:
        """Log that publishers wait for this peer."""
        self._host.slow.held(self)
        self.report(PublishersHeld(self.link, self.session.name, publishers, pending))

    def _mark_closed(self) -> None:
        if self.closed:
            return
        self.closed = self.inlet.closed = self.outbox.closed = True
        if self.hook_pipeline is not None:
            self.hook_pipeline.close()
        self._early.drop()
        self.session.closed()
        self._host.closed(self)
        if self.debug:
            self.report(ConnectionClosed(self.link))

    @property
    def link(self) -> Link:
        """This connection in the words of the event log."""
        return Link(self.kind.code, self.cid, str(self.wire.peer))

    def report(self, event: Event) -> None:
        """Record a fact."""
        self._host.events.record(event)

    @property
    def last_activity(self) -> float:
        """When the peer last sent an operation or got a message; its start, if it never did."""
        return max(
            self.started, self.session.last_command, self.inlet.last_publish, self.outbox.last_delivery
        )

    def stats(self) -> ConnectionStats:
        """A snapshot; times on the monotonic scale."""
        return stats_of(self, self._host.flow)
