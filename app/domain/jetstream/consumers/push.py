"""Push consumers: messages go to a fixed subject while it has a subscription.

The rules are those of jetstream-consumers.md, sections 6 and 7.
"""

from collections.abc import Callable

from ..outlet import Delivery, Outlet
from . import statuses
from .config import ConsumerConfig
from .flow import FlowWindow
from .seam import Offer, Outgoing, Run, Where

UNLIMITED = 2**62


class PushSide:
    """The deliver subject, who listens to it, and how much they may be sent."""

    __slots__ = (
        "_acks",
        "_changed",
        "_end_watch",
        "_heartbeat",
        "_idle_since",
        "_last_sent",
        "_outlet",
        "_where",
        "_window",
        "flow_prefix",
        "group",
        "is_bound",
        "subject",
    )

    def __init__(
        self,
        config: ConsumerConfig,
        outlet: Outlet,
        where: Where,
        changed: Callable[[], None],
        now: int,
    ) -> None:
        """`changed` is called when interest may have come or gone."""
        self._outlet = outlet
        self._where = where
        self._changed = changed
        self.flow_prefix = b""
        """What the reply subjects of flow control begin with."""
        self._window = FlowWindow() if config.flow_control else None
        self._acks = config.acks_by_flow
        self._heartbeat = config.idle_heartbeat
        self._last_sent = self._idle_since = now
        self._end_watch: Callable[[], None] | None = None
        self.is_bound = False
        """Whether the deliver subject has a subscription."""
        self._listen(config)

    def _listen(self, config: ConsumerConfig) -> None:
        self.subject = config.deliver_subject.encode()
        self.group = config.deliver_group

    def start(self, now: int) -> None:
        """Watch who subscribes."""
        self._end_watch = self._outlet.watch_interest(self.subject, self._changed)
        self.check(now)

    def configure(self, config: ConsumerConfig, now: int) -> bool:
        """Use another configuration; answers whether the deliver subject is another one."""
        before = self.subject
        self._listen(config)
        if self.subject == before:
            return False
        if self._end_watch is not None:
            self._end_watch()
        if self._window is not None:
            self._window = FlowWindow()
        self.start(now)
        return True

    def check(self, now: int) -> bool:
        """Look up subscriptions; returns whether there is one now and was none before."""
        was, self.is_bound = self.is_bound, self._outlet.has_interest(self.subject, self.group)
        if self.is_bound and not was:
            self._last_sent = now
        if was and not self.is_bound:
            self._idle_since = now
        return self.is_bound and not was

    @property
    def can_send(self) -> bool:
        """Whether there is a subscription, and enough is confirmed."""
        return self.is_bound and not (self._window is not None and self._window.is_full)

    @property
    def has_slow_ones(self) -> bool:
        """Each message that is offered answers that."""
        return False

    def begin(self, now: int) -> None:
        """Nothing to prepare."""

    def offer(self, message: Outgoing, now: int) -> Offer:
        """Send it to the deliver subject."""
        delivery = self._outlet.deliver(
            self.subject, message.subject, message.ack, message.headers, message.payload
        )
        if delivery is Delivery.NOBODY:
            self.check(now)
            return Offer.LATER if self.is_bound else Offer.NOBODY
        if delivery is Delivery.CONGESTED:
            return Offer.LATER
        self._last_sent = now
        if self._window is not None and self._window.sent(message.size):
            self._ask(self._window)
        return Offer.SENT

    def next_run(self, now: int) -> Run | None:  # noqa: ARG002 - as that of `PullSide`
        """How many messages may follow without conditions: up to the one after which flow control asks."""
        size = UNLIMITED if self._window is None else self._window.room
        return Run(self.subject, UNLIMITED, size, self._ran) if self.is_bound and size > 0 else None

    def _ran(self, _: int, size: int, now: int) -> None:
        self._last_sent = now
        if self._window is not None:
            self._window.sent(size)

    def when_full(self) -> None:
        """See `DeliveryMode`: whose answers acknowledge has to be asked."""
        window = self._window
        if self._acks and window is not None and not window.request:
            self._ask(window)

    def _ask(self, window: FlowWindow) -> None:
        """Sent in order with the messages: a client that answers has handled all before it."""
        window.ask(self.flow_prefix + self._outlet.random_name(4).encode())
        self._outlet.deliver(self.subject, self.subject, window.request, statuses.FLOW_CONTROL)

    def flow_reply(self, token: bytes) -> bool:
        """A client answered; answers whether more may be sent."""
        return self._window is not None and self._window.confirm(self.flow_prefix + token)

    def end_of_stream(self) -> bool:
        """Nothing to do: there are no pull requests."""
        return False

    @property
    def next_due(self) -> int | None:
        """When a heartbeat is due."""
        return self._last_sent + self._heartbeat if self.is_bound and self._heartbeat else None

    def on_time(self, now: int) -> None:
        """Send a heartbeat if nothing else was sent for long."""
        due = self.next_due
        if due is None or due > now:
            return
        stalled = self._window.request if self._window is not None else b""
        position = self._where()
        headers = statuses.heartbeat(position.number, position.sequence, stalled)
        self._outlet.deliver(self.subject, self.subject, headers=headers)
        self._last_sent = now
        if position.unsettled:
            self.when_full()

    def idle_since(self, now: int) -> int:
        """When the last subscription went; `now` if there is one."""
        return now if self.is_bound else self._idle_since

    def close(self) -> None:
        """Watch no more."""
        if self._end_watch is not None:
            self._end_watch()
            self._end_watch = None
