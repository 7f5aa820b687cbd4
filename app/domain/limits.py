"""Limits a broker keeps, with the defaults of gnatsd (client-protocol.md, section 12)."""

from typing import Literal

from .value_object import value_object

MAX_SIZE_DIGITS = 18
"""A payload size with more digits exceeds every limit; checked before it is read as a number."""

MAX_PENDING = 10_485_760
"""Bytes that may wait for one receiver, unless a message needs more room."""

HOLD_SECONDS = 1.0
"""How long publishers wait for a receiver that makes no progress at all."""

HOLD_BYTES = 1024 * 1024
"""Pending bytes above which a receiver's publishers are held back, unless one message may be as large."""

VERDICT_SECONDS = 5.0
"""How long a login may wait for its turn to be checked, at least: longer than clients wait for it."""

RESUME_BYTES = 64 * 1024
"""Pending bytes at which publishers continue; the low-water mark of transports."""

ROUTE_PENDING = 64 * 1024 * 1024
"""Bytes that may wait for another server, at least: it has many receivers of its own."""

ROUTE_PAYLOAD = 64 * 1024 * 1024
"""Largest message that a peer server may send, unless clients may send larger ones."""

ROUTE_LINE = 64 * 1024
"""Longest argument that a peer server may send, unless lines of clients could make a longer one."""

_ROUTE_SID_BYTES = 64
"""Bytes that the sid of a route has more than that of its client, with the blank after it."""


def route_payload(max_payload: int) -> int:
    """The payload limit of routes where that of clients is `max_payload`; negative for none.

    A route may not refuse what a client may publish: the route would end, and lose messages of others.
    """
    return max_payload if max_payload < 0 else max(max_payload, ROUTE_PAYLOAD)


def route_line(max_control_line: int) -> int:
    """The limit of a line's argument on routes where that of clients is `max_control_line`.

    A routed message has the words of one client's PUB and the sid of another's SUB.
    """
    return max(ROUTE_LINE, 2 * max_control_line + _ROUTE_SID_BYTES)


def longest_head(max_control_line: int) -> int:
    """Bytes of a MSG around its payload: the words of one client's PUB, and the sid of another's SUB."""
    return 2 * max_control_line + len("MSG    \r\n\r\n")


def longest_message(max_payload: int, max_control_line: int = 1024) -> int:
    """Bytes that one message takes at most, as a receiver gets it. No payload has a limit below 0."""
    return max_payload + longest_head(max_control_line)


def fitting_pending(max_payload: int, max_pending: int | None, max_control_line: int = 1024) -> int:
    """The bound of pending bytes: as chosen, or else one that leaves room beside the longest message.

    `max_pending` is None if it is not configured. A negative `max_payload` is no limit,
    and nothing fits it.
    """
    if max_pending is not None:
        return max_pending
    return max(MAX_PENDING, longest_message(max_payload, max_control_line) + HOLD_BYTES)


DELAY_BUDGET = 2.0
"""Seconds by which a slow receiver may delay others, unless `write_deadline` is given."""


@value_object
class Limits:
    """What one peer may cost. Sizes in bytes, times in seconds."""

    max_connections: int = 65_536
    max_control_line: int = 1024
    """Longest argument part of a protocol line."""
    max_payload: int = 1_048_576
    """Largest message; a negative value means no limit but the size of a number."""
    max_pending: int = MAX_PENDING
    """Bytes waiting for one receiver beyond which it is a slow consumer."""
    ping_interval: float = 120.0
    ping_max: int = 2
    """Unanswered pings that are tolerated."""
    write_deadline: float = 2.0
    """How long a receiver may leave pending bytes untouched."""
    auth_timeout: float = 1.0
    slow_consumer: Literal["cut", "hold"] = "cut"
    """What happens to a receiver that delays others: it is closed, or they wait while it makes progress."""
    max_closed_clients: int = 10_000
    """Closed clients that are remembered; a reload does not change it."""
    max_subscriptions: int = 0
    """Subscriptions of one client; 0 is no limit."""
    delay_budget: float = DELAY_BUDGET
    """How long a receiver may delay others in total (ADR 0023)."""

    @property
    def hold_above(self) -> int:
        """Pending bytes of a receiver above which its publishers are held back.

        One message alone congests no receiver, however large: it would have to be handed over at
        once to be judged, and with it those of thousands of others.
        """
        return min(
            max(HOLD_BYTES, longest_message(self.max_payload, self.max_control_line)), self.max_pending // 2
        )

    @property
    def resume_below(self) -> int:
        """Pending bytes of a receiver up to which it has drained, and could take more at once."""
        return min(RESUME_BYTES, self.hold_above // 4)

    @property
    def verdict_time(self) -> float:
        """Seconds from a CONNECT until a login that still waits for its check is ended."""
        return max(self.auth_timeout, VERDICT_SECONDS)
