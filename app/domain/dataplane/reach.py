"""Messages of the server itself: what becomes of them, and what receivers do with their names."""

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from .incoming_run import IncomingRun, MessageAlone, TakeLone
from .message_run import AckNumbers, AckRun, MessageRun

if TYPE_CHECKING:
    from .seam import Target

SERVER_AUDIENCE = 3
"""The audience of messages of the server itself: that of messages past the hooks (`Audience.PASSED`)."""

RENAMED_AUDIENCE = 4
"""That of its messages under another subject than the one that is subscribed to (`Audience.RENAMED`)."""


Stored = tuple[int, int, bytes, bytes, bytes]
"""A stored message: its sequence, nanoseconds since the epoch, subject, headers and payload."""


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

    lone: dict[bytes, TakeLone] | None
    """Who takes lone messages, by sid; None while others wait that came before. See ``lone``."""

    def finish(self) -> bool:
        """End a read: have a lone message taken, then do as `Plane.flush` does."""
        ...

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

    def read_one(self, data: bytes) -> MessageAlone | None:
        """See `incoming_run.read_one`."""
        ...

    def read_run(self, data: bytes, start: int, most: int, *, named: bool = True) -> IncomingRun:
        """See `incoming_run.read_run`."""
        ...

    def answer(self, reply: bytes, head: bytes, number: int) -> bool:
        """Answer one message: the head, a number, and a brace; False if its receivers are congested."""
        ...

    def answer_stored(self, reply: bytes, begin: bytes, message: Stored) -> bool:
        """Answer with a stored message, and say in its headers which one it is; see ``stored_answer``.

        False if its receivers are congested; then nothing was sent.
        """
        ...

    def deliver_answers(self, run: IncomingRun, start: int, first: int, head: bytes) -> int:
        """Answer the messages of a run from `start` on: the head, a number, and a brace that closes it.

        The number is `first` for the first message of the run. Stops before a message whose
        receivers are congested, and returns its position; else the number of messages.
        """
        ...

    def receivers_of(self, to: bytes) -> "Sequence[Target]":
        """Who gets a message of the server under another subject, in order; for `Plane.deliver_to`."""
        ...

    def deliver_run(self, to: bytes, run: MessageRun, acks: AckNumbers, room: int) -> tuple[int, int]:
        """The same as `deliver` for messages of a stream in a row; returns how many went, and their size.

        The reply subject of each is `acks.prefix` with its sequence, its number, its time and how many
        follow. It ends before the first that `deliver` would not send, that has `to` as its subject, or
        for which there is no `room`. Sizes are those of subject, reply subject, headers and payload.
        """
        ...

    def read_acks(self, data: bytes, position: int) -> AckRun | None:
        """The plain acks in a row that a message to the server at this position begins; None for another one.

        They are for messages of one consumer, `+ACK`, `+OK` or empty, without headers and reply subject;
        the longer form of their subject is not among them.
        """
        ...
