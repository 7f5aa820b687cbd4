"""What a consumer asks of its stream, and of those who send for it."""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, Protocol

from ..storage.seam import StreamLog
from .rules import StreamFacts


class ConsumerStream(Protocol):
    """A stream, as its consumers know it."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def config(self) -> StreamFacts:
        """Its configuration as it is now."""
        ...

    @property
    def log(self) -> StreamLog:
        """Its messages."""
        ...

    @property
    def committed(self) -> int:
        """The highest sequence that is safe: nothing above it is delivered."""
        ...

    def settled(self, reader: str, sequence: int) -> None:
        """This consumer needs the message no more. Called for interest and work queue retention."""
        ...


class Outgoing(NamedTuple):
    """A message, ready to be sent."""

    subject: bytes
    ack: bytes
    headers: bytes
    payload: bytes

    @property
    def size(self) -> int:
        """Bytes, as `max_bytes` of a request and flow control count them."""
        return len(self.subject) + len(self.ack) + len(self.headers) + len(self.payload)


class Offer(Enum):
    """What became of a message that was offered."""

    SENT = "sent"
    NOBODY = "nobody"
    """No receiver wants it now; the next one that does will say so."""
    LATER = "later"
    """Those who want it are too slow: try again in some ms."""
    AGAIN = "again"
    """Go on in a later turn."""


class Position(NamedTuple):
    """How far a consumer is, for heartbeats and conditions."""

    number: int
    sequence: int
    pending: int
    """Messages that were not delivered."""
    unsettled: int
    """Messages that were, and are not settled."""


class Run(NamedTuple):
    """Messages that follow each other may go to one subject, without a question for each."""

    to: bytes
    most: int
    size: int
    """Bytes."""
    ran: Callable[[int, int, int], None]
    """Is given how many went, their bytes, and the time."""


Where = Callable[[], Position]
"""Answers how far a consumer is."""
