"""Messages of the server itself: what becomes of them, and what receivers do with their names."""

from enum import IntEnum
from typing import Protocol

from .incoming_run import IncomingRun

SERVER_AUDIENCE = 3
"""The audience of messages of the server itself: that of messages past the hooks (`Audience.PASSED`)."""


class Reach(IntEnum):
    """What becomes of a message of the server itself; see `Direct.deliver`."""

    NOBODY = 0
    """No open connection listens."""
    CONGESTED = 1
    """All receivers are: it is given to nobody."""
    SENT = 2


class Naming(IntEnum):
    """What a receiver does with a message whose sid names one subscription, not its subject."""

    NEVER = 0
    """A client: the sid is its own."""
    MEMBERS = 1
    """A server that finds members of queue groups so; gnatsd does."""
    ALL = 2
    """A server that finds plain subscriptions too, by a sid with `MEMBER_MARK`."""


class Direct(Protocol):
    """What a plane offers the server itself."""

    def deliver(
        self, to: bytes, subject: bytes, reply: bytes = b"", headers: bytes = b"", payload: bytes = b""
    ) -> Reach:
        """Give those who subscribe to `to` a message that names `subject`, with the next flush.

        It is the server's own: counted as sent only, allowed whatever it is.
        """
        ...

    def reach(self, to: bytes) -> Reach:
        """What `deliver` would answer for a message on that subject."""
        ...

    def read_run(self, data: bytes, start: int, most: int, *, named: bool = True) -> IncomingRun:
        """See `incoming_run.read_run`."""
        ...

    def deliver_answers(self, run: IncomingRun, start: int, first: int, head: bytes) -> int:
        """Answer the messages of a run from `start` on: the head, a number, and a brace that closes it.

        The number is `first` for the first message of the run. Stops before a message whose
        receivers are congested, and returns its position; else the number of messages.
        """
        ...
