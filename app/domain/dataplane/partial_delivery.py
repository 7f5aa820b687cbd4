"""Messages of which the delivery to many receivers was interrupted, in the plain twin."""

from .inlet import Inlet
from .message import Message
from .outbox import Outbox
from .plan import Plan


class PartialDelivery:
    """A message that not all receivers of its plan have yet, and the first of those."""

    __slots__ = ("asker", "message", "plan", "position", "skip", "tail")

    def __init__(self, plan: Plan, message: Message, tail: bytes, position: int, skip: Outbox | None) -> None:
        self.plan = plan
        self.message = message
        self.tail = tail
        self.position = position
        self.skip = skip
        """Of the publisher, if it gets none of its own messages."""
        self.asker: Inlet | None = None
        """Of the publisher, if it is to learn that nobody got the message, which nobody has yet."""
