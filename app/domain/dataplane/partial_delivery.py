"""Messages of which the delivery to many receivers was interrupted, in the plain twin."""

from .message import Message
from .plan import Plan


class PartialDelivery:
    """A message that not all receivers of its plan have yet, and the first of those."""

    __slots__ = ("message", "plan", "position", "tail")

    def __init__(self, plan: Plan, message: Message, tail: bytes, position: int) -> None:
        self.plan = plan
        self.message = message
        self.tail = tail
        self.position = position
