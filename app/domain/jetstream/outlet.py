"""What JetStream asks of the broker: messages out, interest, time."""

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from ..dataplane.incoming_run import IncomingRun
from ..dataplane.message_run import AckNumbers, MessageRun
from ..dataplane.reach import Stored
from ..timers import Scheduler


class Delivery(Enum):
    """What became of a message."""

    NOBODY = "nobody"
    """No subscription covers the subject."""
    SENT = "sent"
    CONGESTED = "congested"
    """All receivers are too slow: it was delivered to none; try later."""


class Outlet(Protocol):
    """The way out, for streams and consumers. Used from the broker's thread; nothing blocks."""

    scheduler: Scheduler

    def wall(self) -> int:
        """Nanoseconds since the epoch."""
        ...

    def random_name(self, length: int) -> str:
        """Letters and digits by chance."""
        ...

    def at_end_of_turn(self, call: Callable[[], None]) -> None:
        """Make the call when this turn ends, once; in the next one if it is over."""
        ...

    def together(self, call: Callable[[], object]) -> None:
        """Make the call now, and send at once what it delivers, unless this turn goes on."""
        ...

    def failed(self, error: Exception) -> None:
        """Report a defect, which cost one call and no other."""
        ...

    def deliver(
        self, to: bytes, subject: bytes, reply: bytes = b"", headers: bytes = b"", payload: bytes = b""
    ) -> Delivery:
        """Send a message to those who subscribe to `to`; what they see is `subject`.

        It is no publish: no stream stores it. It goes out at the end of this turn.
        """
        ...

    def answer(self, reply: bytes, head: bytes, number: int) -> bool:
        """Answer one message: the head, a number, and a brace; False if all who would get it are too slow."""
        ...

    def answer_within_read(self, reply: bytes, head: bytes, number: int) -> bool:
        """The same for a message that is taken within a read, which is followed by a flush."""
        ...

    def answer_stored_within_read(self, reply: bytes, begin: bytes, message: Stored) -> bool:
        """Answer a lone request with a stored message; see `Direct.answer_stored`."""
        ...

    def deliver_answers(self, run: IncomingRun, start: int, first: int, head: bytes) -> int:
        """Answer the messages of a run from `start` on: the head, a number, and a brace that closes it.

        The number is `first` for the first message of the run. Returns the position of the first
        message whose receivers are congested, and that was not answered; else the number of messages.
        """
        ...

    @property
    def sends_runs(self) -> bool:
        """Whether `deliver_run` may be called: not where something has to see each message."""
        ...

    def deliver_run(self, to: bytes, run: MessageRun, acks: AckNumbers, room: int) -> tuple[int, int]:
        """The same for stored messages in a row, each with its reply subject, of `room` bytes at most.

        Returns how many went, from the first one on, and their bytes: subjects, headers and payloads.
        """
        ...

    def publish(self, subject: bytes, payload: bytes, headers: bytes = b"", reply: bytes = b"") -> None:
        """Publish as a client does: streams that listen to the subject store it."""
        ...

    def has_interest(self, subject: bytes, queue: str = "") -> bool:
        """Whether some subscription covers this literal subject (in this queue group, if one is named)."""
        ...

    def watch_interest(self, subject: bytes, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed`, in a later turn, when subscriptions that cover the subject come or go.

        Returns what ends it.
        """
        ...
