"""Pull consumers: messages go to those who asked for them (jetstream-consumers.md, section 5)."""

from collections.abc import Callable
from functools import partial

from ..outlet import Delivery, Outlet
from ..streams.rules import duration_text
from . import statuses
from .config import ConsumerConfig
from .priority import LOWEST, Pin, wrong_group
from .requests import BadRequest, PullOptions, PullRequest, parse_pull
from .seam import Offer, Outgoing, Position, Run, Where
from .waiting import WaitingRequests

HELD = 64
"""Slow receivers that are tried in one turn, before all wait for the next attempt."""

AT_ONCE = 1000
"""Requests that are ended or looked at in one turn."""

AT_THE_END = 10_000
"""Requests of one consumer that are ended with a status when the server ends; there is no later turn."""

RETRY = 5 * 10**6
UNLIMITED = 2**62
SECOND = 10**9

Advise = Callable[[str, dict[str, object]], None]


class PullSide:
    """The requests that wait, and who gets the next message."""

    __slots__ = (
        "_advise",
        "_config",
        "_held",
        "_held_until",
        "_last",
        "_outlet",
        "_swept",
        "_where",
        "pin",
        "waiting",
    )

    def __init__(
        self, config: ConsumerConfig, outlet: Outlet, where: Where, advise: Advise, now: int
    ) -> None:
        self._config = config
        self._where = where
        self._outlet = outlet
        self._advise = advise
        self.waiting = WaitingRequests()
        self.pin = Pin()
        self._held: list[PullRequest] = []
        """Requests whose receivers are too slow at the moment."""
        self._held_until = 0
        self._last = now
        """When the last request came, or ended."""
        self._swept = now - SECOND

    def configure(self, config: ConsumerConfig) -> None:
        """Use another configuration; requests that wait go on by its priorities."""
        before, self._config = self._config.priority_policy, config
        if config.priority_policy != before:
            self._put_back()
            for request in list(self.waiting):
                self.waiting.move(request, self._lane(request.options))

    # ---- requests ----

    def request(self, payload: bytes, reply: bytes, available: int, now: int) -> PullRequest | None:
        """Take a request, or answer why not; `available` messages could be delivered now."""
        self._last = now
        try:
            options = parse_pull(payload)
        except BadRequest as error:
            self._send(reply, statuses.status(f"400 Bad Request - {error}"))
            return None
        refusal = self._refusal(options, available, now)
        if refusal is None and self.waiting.count >= self._config.max_waiting:
            if options.idle_heartbeat:
                return None  # its client misses heartbeats, and asks again then: no hot loop
            refusal = statuses.MAX_WAITING
        if refusal is not None:
            self._send(reply, refusal)
            return None
        if not self._outlet.has_interest(reply):
            return None
        request = PullRequest(reply, options, now, self._lane(options))
        self.waiting.add(request)
        if self._config.priority_policy == "pinned_client":
            self.pin.came(options.id, now, self._config.priority_timeout)
        return request

    def _refusal(self, options: PullOptions, available: int, now: int) -> bytes | None:
        """The status of a request that is not taken; None if it is."""
        line = self._beyond(options)
        if line:
            return statuses.status(line)
        if self.pin.id and options.id not in ("", self.pin.id):
            return statuses.PIN_MISMATCH
        if self.waiting.count >= self._config.max_waiting and now - self._swept >= SECOND:
            self._swept = now
            self.sweep(now)
        if options.no_wait and not available and not options.expires:
            return statuses.NO_MESSAGES
        if options.no_wait and 0 < available < self.waiting.wanted:
            return statuses.REQUESTS_PENDING
        return None

    def _beyond(self, options: PullOptions) -> str:
        """The status line for what the configuration does not allow; empty for nothing."""
        config = self._config
        if 0 < config.max_batch < options.batch:
            return f"409 Exceeded MaxRequestBatch of {config.max_batch}"
        if 0 < config.max_expires < options.expires:
            return f"409 Exceeded MaxRequestExpires of {duration_text(config.max_expires)}"
        if 0 < config.max_bytes < options.max_bytes:
            return f"409 Exceeded MaxRequestMaxBytes of {config.max_bytes}"
        wrong = wrong_group(config, options)
        return f"400 Bad Request - {wrong}" if wrong else ""

    def _lane(self, options: PullOptions) -> object:
        policy = self._config.priority_policy
        if policy == "overflow":
            needs = (max(0, options.min_pending), max(0, options.min_ack_pending))
            return needs if any(needs) else None
        if policy == "pinned_client":
            return options.id
        if policy == "prioritized":
            return options.priority if options.names_group else LOWEST
        return None

    def sweep(self, now: int) -> None:
        """End some requests whose subscription is gone."""
        for request in self.waiting.some(AT_ONCE):
            if not self._outlet.has_interest(request.reply):
                self._end(request, now)

    @property
    def num_waiting(self) -> int:
        """Requests that wait."""
        return self.waiting.count

    # ---- messages ----

    @property
    def can_send(self) -> bool:
        """Whether a request waits whose receiver is not too slow."""
        held = sum(not request.done for request in self._held) if self._held else 0
        return self.waiting.count > held

    @property
    def has_slow_ones(self) -> bool:
        """Whether a request waits whose receiver was too slow."""
        return bool(self._held)

    def begin(self, now: int) -> None:
        """Try those again that were too slow, if some time went by."""
        if self._held and now >= self._held_until:
            self._put_back()

    def _put_back(self) -> None:
        held, self._held = self._held, []
        self.waiting.put_back(held)

    def offer(self, message: Outgoing, now: int) -> Offer:
        """Give it to the request whose turn it is; those that cannot take it end."""
        for _ in range(AT_ONCE):
            request = self._next(now)
            if request is None:
                return Offer.LATER if self._held else self._unwanted()
            if request.expires and request.expires <= now:
                self._expire(request, now)
            elif request.limits_bytes and message.size > request.bytes_left:
                self._end(request, now, "409 Message Size Exceeds MaxBytes")
            else:
                offer = self._deliver(request, message, now)
                if offer is not None:
                    return offer
        return Offer.AGAIN

    def _unwanted(self) -> Offer:
        """Nobody who waits may have it: those that take only what is there get nothing."""
        return Offer.AGAIN if self.end_of_stream() else Offer.NOBODY

    def next_run(self, now: int) -> Run | None:
        """If the next messages go to one receiver without conditions: to whom and how many.

        Only while all requests that wait are of one receiver.
        """
        if self._config.priority_policy != "none" or len(self.waiting.replies) != 1 or self._held:
            return None
        request = self.waiting.head(None)
        if request is None or request.limits_bytes or (request.expires and request.expires <= now):
            return None
        return Run(request.reply, request.wanted, UNLIMITED, partial(self._ran, request))

    def _ran(self, request: PullRequest, count: int, _: int, now: int) -> None:
        self._last = now
        request.next_heartbeat = now + request.heartbeat
        request.delivered += count - 1
        self.waiting.shrink(request, request.wanted - count + 1)
        self.waiting.served(request)

    def _deliver(self, request: PullRequest, message: Outgoing, now: int) -> Offer | None:
        """None if another request is to be tried."""
        headers, pin = message.headers, self.pin.id
        if self._config.priority_policy == "pinned_client":
            pin = pin or self._outlet.random_name(22)
            headers = statuses.with_field(headers, b"Nats-Pin-Id", pin.encode())
        delivery = self._outlet.deliver(request.reply, message.subject, message.ack, headers, message.payload)
        if delivery is Delivery.NOBODY:
            self._end(request, now)
            return None
        if delivery is Delivery.CONGESTED:
            return self._hold(request, now)
        if pin and pin != self.pin.id:
            self._assign(request, pin, now)
        self._last = now
        request.next_heartbeat = now + request.heartbeat
        if request.limits_bytes:
            self._take_bytes(request, message.size)
        self.waiting.served(request)
        if request.done and request.bytes_left:
            self._send(request.reply, statuses.ended("409 Batch Completed", 0, request.bytes_left))
        return Offer.SENT

    def _hold(self, request: PullRequest, now: int) -> Offer | None:
        self.waiting.set_aside(request)
        self._held.append(request)
        self._held_until = now + RETRY
        return Offer.LATER if len(self._held) >= HELD else None

    def _take_bytes(self, request: PullRequest, size: int) -> None:
        request.bytes_left -= size
        if not request.bytes_left:
            self.waiting.shrink(request, 1)

    def _next(self, now: int) -> PullRequest | None:
        policy = self._config.priority_policy
        if policy == "none":
            return self.waiting.head(None)
        if policy == "prioritized":
            heads = (self.waiting.head(priority) for priority in range(LOWEST + 1))
            return next((head for head in heads if head is not None), None)
        if policy == "overflow":
            return self._next_overflow(self._where())
        return self._next_pinned(now)

    def _next_overflow(self, position: Position) -> PullRequest | None:
        found: PullRequest | None = None
        for lane in self.waiting.lanes:
            if isinstance(lane, tuple):
                pending, unsettled = lane
                if not (0 < pending <= position.pending or 0 < unsettled <= position.unsettled):
                    continue
            head = self.waiting.head(lane)
            if head is not None and (found is None or head.turn < found.turn):
                found = head
        return found

    # ---- pins ----

    def _next_pinned(self, now: int) -> PullRequest | None:
        if self.pin.has_other_ids:
            self.pin.has_other_ids = False
            for lane in self.waiting.lanes:
                while lane not in ("", self.pin.id) and (head := self.waiting.head(lane)) is not None:
                    self._end(head, now, "423 Nats-Wrong-Pin-Id")
        return self.waiting.head(self.pin.id)

    def _assign(self, request: PullRequest, pin: str, now: int) -> None:
        group = request.options.group or self._config.priority_groups[0]
        self.pin.assign(pin, group, self._outlet.wall(), now + self._config.priority_timeout)
        self.waiting.move(request, pin)
        self._advise("consumer_group_pinned", {"group": group, "pinned_id": pin})

    def unpin(self, reason: str) -> None:
        """Let the next request have a new pin."""
        if self.pin.id:
            group = self.pin.group
            self.pin.clear()
            self._advise("consumer_group_unpinned", {"group": group, "reason": reason})

    # ---- ends ----

    def _send(self, reply: bytes, headers: bytes) -> None:
        self._outlet.deliver(reply, reply, headers=headers)

    def _end(self, request: PullRequest, now: int, status: str = "") -> None:
        self._last = now
        self.waiting.end(request)
        if status:
            self._send(request.reply, statuses.ended(status, request.pending, request.bytes_left))

    def _expire(self, request: PullRequest, now: int) -> None:
        self._end(request, now, "408 Request Timeout")

    def when_full(self) -> None:
        """Clients need not be asked: acks come by themselves."""

    def end_of_stream(self) -> bool:
        """End the requests that take only what is there."""
        for request in list(self.waiting.one_shots)[:AT_ONCE]:
            self.waiting.end(request)
            self._send(request.reply, statuses.NO_MESSAGES)
        return bool(self.waiting.one_shots)

    @property
    def next_due(self) -> int | None:
        """When a request expires, or is to get a heartbeat, or loses its pin."""
        due = self.waiting.next_due
        if self.pin.id and (due is None or self.pin.until < due):
            return self.pin.until
        return due

    def on_time(self, now: int) -> None:
        """Expire requests, send heartbeats, take a pin away.

        Those that take only what is there end then, too, also while no message may be delivered:
        clients count on it.
        """
        for _ in range(AT_ONCE):
            request = self.waiting.take_due(now)
            if request is None:
                break
            if request.expires and request.expires <= now:
                self._expire(request, now)
            else:
                self._beat(request, now)
            self.end_of_stream()
        if self.pin.id and self.pin.until <= now:
            self.unpin("timeout")

    def _beat(self, request: PullRequest, now: int) -> None:
        if request.next_heartbeat <= now:
            position = self._where()
            self._send(request.reply, statuses.heartbeat(position.number, position.sequence))
            request.next_heartbeat = now + request.heartbeat
        self.waiting.watch(request)

    def idle_since(self, now: int) -> int:
        """The end of the last request; `now` if one waits whose reply subject has a subscription."""
        self._put_back()
        for request in self.waiting.some(AT_ONCE):
            if self._outlet.has_interest(request.reply):
                return now
            self.waiting.end(request)
        return now if self.waiting.count else self._last

    def shut_down(self, now: int) -> None:
        """End all that wait: the server stops."""
        self._put_back()
        for request in self.waiting.some(AT_THE_END):
            self._end(request, now, statuses.SHUTDOWN)

    def close(self) -> None:
        """End all that wait: the consumer is gone."""
        self._put_back()
        for request in self.waiting.some(AT_ONCE):
            self.waiting.end(request)
            self._send(request.reply, statuses.DELETED)
        if self.waiting.count:
            self._outlet.scheduler.call_soon(self.close)
