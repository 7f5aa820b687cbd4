"""The outlet to the broker: messages out, interest, time."""

from collections.abc import Callable

from ..broker import Broker
from ..dataplane.incoming_run import IncomingRun
from ..dataplane.message_run import AckNumbers, MessageRun
from ..dataplane.reach import Reach, Stored
from ..dataplane.seam import HookedMessage
from ..hooks.hook_event import HookPoint
from ..interest.watches import Watches
from .group_searches import GroupSearches
from .hooked_deliveries import HookedDeliveries
from .intake import Intake
from .outlet import Delivery

_DELIVERIES = {
    Reach.NOBODY: Delivery.NOBODY,
    Reach.CONGESTED: Delivery.CONGESTED,
    Reach.SENT: Delivery.SENT,
}


class BrokerOutlet:
    """Implements `Outlet`, and `advisories.Publisher`."""

    def __init__(
        self,
        broker: Broker,
        intake: Intake,
        wall: Callable[[], int],
        identifier: Callable[[], str],
    ) -> None:
        """`wall` is the time in nanoseconds since the epoch, `identifier` makes some letters by chance."""
        self._broker = broker
        self._intake = intake
        self._plane = broker.plane
        self.answer_within_read: Callable[[bytes, bytes, int], bool] = broker.plane.answer
        self.answer_stored_within_read: Callable[[bytes, bytes, Stored], bool] = broker.plane.answer_stored
        """See `Outlet`."""
        self._identifier = identifier
        self._is_due = False
        self._wire = intake.wire
        self._wire.after_turn = self._flush
        broker.interest.names_receivers = True
        hooks = broker.hooks
        self._hooked: HookedDeliveries | None = None
        if hooks is not None and hooks.asks(HookPoint.DELIVER):
            self._hooked = HookedDeliveries(broker, hooks, self._flush_soon)
        self.sends_runs = self._hooked is None
        """See `Outlet`: hooks see each message."""
        self._groups = GroupSearches(broker.interest, broker.scheduler)
        self.scheduler = broker.scheduler
        self._clock = broker.scheduler.monotonic
        self.wall = wall

    def random_name(self, length: int) -> str:
        """See `Outlet`."""
        name = self._identifier()
        while len(name) < length:
            name += self._identifier()
        return name[:length]

    def at_end_of_turn(self, call: Callable[[], None]) -> None:
        """See `Outlet`."""
        endings = self._wire.endings
        if endings is None:
            self.scheduler.call_soon(call)
        else:
            endings.append(call)

    def together(self, call: Callable[[], object]) -> None:
        """See `Outlet`."""
        wire = self._wire
        if wire.in_turn or self._is_due:
            call()
            return
        wire.in_turn = True
        try:
            call()
        finally:
            wire.in_turn = False
            self._flush()

    def failed(self, error: Exception) -> None:
        """See `Outlet`."""
        self._broker.failed(error)

    def deliver(
        self, to: bytes, subject: bytes, reply: bytes = b"", headers: bytes = b"", payload: bytes = b""
    ) -> Delivery:
        """See `Outlet`."""
        if not self._is_due:
            self._flush_soon()
        hooked = self._hooked
        if hooked is not None and subject != to and hooked.sees(subject):
            message = HookedMessage(subject, reply, len(headers), headers + payload, to)
            return _DELIVERIES[hooked.deliver(to, message)]
        return _DELIVERIES[self._plane.deliver(to, subject, reply, headers, payload)]

    def deliver_run(self, to: bytes, run: MessageRun, acks: AckNumbers, room: int) -> tuple[int, int]:
        """See `Outlet`."""
        self._flush_soon()
        return self._plane.deliver_run(to, run, acks, room)

    def answer(self, reply: bytes, head: bytes, number: int) -> bool:
        """See `Outlet`."""
        if not self._is_due:
            self._flush_soon()
        return self._plane.answer(reply, head, number)

    def deliver_answers(self, run: IncomingRun, start: int, first: int, head: bytes) -> int:
        """See `Outlet`."""
        self._flush_soon()
        return self._plane.deliver_answers(run, start, first, head)

    def _flush_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._plane.now = self._clock()
            if not self._wire.in_turn:
                self.scheduler.call_soon(self._flush)

    def _flush(self) -> None:
        if self._is_due:
            self._is_due = False
            self._broker.deferred.flush()

    def publish(self, subject: bytes, payload: bytes, headers: bytes = b"", reply: bytes = b"") -> None:
        """See `Outlet`; nothing happens once the broker has shut down."""
        if self._intake.closed:
            return
        try:
            self._intake.publish(subject, payload, reply or None, headers)
        except ValueError as error:  # larger than messages may be, with what was added to it
            self._broker.failed(error)

    def has_interest(self, subject: bytes, queue: str = "") -> bool:
        """See `Outlet`."""
        if queue:
            return self._groups.has_group(subject, queue.encode())
        return self._plane.reach(subject) is not Reach.NOBODY

    def has_listener(self, subject: bytes) -> bool:
        """See `advisories.Publisher`."""
        own, self._plane.server = self._plane.server, None
        try:
            return self._plane.reach(subject) is not Reach.NOBODY
        finally:
            self._plane.server = own

    def watch_interest(self, subject: bytes, changed: Callable[[], None]) -> Callable[[], None]:
        """See `Outlet`."""
        watches = self._broker.interest.watches
        if watches is None:
            watches = self._broker.interest.watches = Watches(self.scheduler, self._broker.failed)
        return watches.add(subject, changed)
