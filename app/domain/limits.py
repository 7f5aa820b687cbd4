"""Limits a broker keeps, with the defaults of gnatsd (client-protocol.md, section 12)."""

from dataclasses import dataclass
from typing import Literal

MAX_SIZE_DIGITS = 18
"""A payload size with more digits exceeds every limit; checked before it is read as a number."""

HOLD_SECONDS = 1.0
"""How long publishers wait for a receiver that makes no progress at all."""

HOLD_BYTES = 1024 * 1024
"""Pending bytes above which a receiver's publishers are held back, unless one message may be as large."""

RESUME_BYTES = 64 * 1024
"""Pending bytes at which publishers continue; the low-water mark of transports."""

ROUTE_PENDING = 64 * 1024 * 1024
"""Bytes that may wait for another server, at least: behind it there are many receivers."""

ROUTE_PAYLOAD = 64 * 1024 * 1024
"""Largest message that a peer server may send, unless clients may send larger ones."""

ROUTE_LINE = 64 * 1024
"""Longest argument that a peer server may send, unless lines of clients could make a longer one."""

_ROUTE_SID_BYTES = 64
"""What the sid of a route has more than that of its client, and the blank behind it."""


def route_payload(max_payload: int) -> int:
    """The payload limit of routes where that of clients is `max_payload`; negative for none.

    What a client may publish, no route may refuse: it would end, and take others' messages with it.
    """
    return max_payload if max_payload < 0 else max(max_payload, ROUTE_PAYLOAD)


def route_line(max_control_line: int) -> int:
    """The limit of a line's argument on routes where that of clients is `max_control_line`.

    A routed message has the words of one client's PUB and the sid of another's SUB.
    """
    return max(ROUTE_LINE, 2 * max_control_line + _ROUTE_SID_BYTES)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one peer may cost. Sizes in bytes, times in seconds."""

    max_connections: int = 65_536
    max_control_line: int = 1024
    """Longest argument part of a protocol line."""
    max_payload: int = 1_048_576
    """Largest message; a negative value means no limit but the size of a number."""
    max_pending: int = 10_485_760
    """Bytes waiting for one receiver beyond which it is a slow consumer."""
    ping_interval: float = 120.0
    ping_max: int = 2
    """Unanswered pings that are tolerated."""
    write_deadline: float = 2.0
    """How long a receiver may leave pending bytes untouched, and how long it may delay others in total."""
    auth_timeout: float = 1.0
    slow_consumer: Literal["cut", "hold"] = "cut"
    """Whether a receiver that reads, but delays others, is closed; with "hold" everybody waits for it."""

    @property
    def hold_above(self) -> int:
        """Pending bytes of a receiver above which its publishers are held back.

        One message congests nobody, however large: it would have to be handed over at
        once to be judged, and with it those of thousands of others.
        """
        return min(max(HOLD_BYTES, self.max_payload + self._longest_head), self.max_pending // 2)

    @property
    def resume_below(self) -> int:
        """Pending bytes of a receiver up to which it has drained, and could take more at once."""
        return min(RESUME_BYTES, self.hold_above // 4)

    @property
    def _longest_head(self) -> int:
        """Of a MSG: it has the words of one client's PUB, and the sid of another's SUB."""
        return 2 * self.max_control_line + len("MSG    \r\n\r\n")
