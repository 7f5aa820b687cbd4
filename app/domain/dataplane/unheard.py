"""Requests that reach nobody: where the plane answers them without a question to the control plane."""

from typing import TYPE_CHECKING, Protocol

from ..protocol.encode import no_responders

if TYPE_CHECKING:
    from .message import Message
    from .outbox import Outbox
    from .plan import Target
    from .seam import Target as AnyTarget


class AnswersUnheard(Protocol):
    """An inlet whose requests to nobody the plane answers itself, as far as it knows where."""

    def answer_at(self, prefix: bytes, target: "AnyTarget") -> None:
        """Answer at this target from now on, if the reply subject is the prefix and one further token.

        The target is one of the peer's own. `Control.no_responders` is called for all other reply
        subjects, and again for these when the target has a limit, or has retired.
        """
        ...


class AnswerPlace:
    """Where the requests of one peer are answered, in the plain twin."""

    __slots__ = ("_prefix", "_target")

    def __init__(self, prefix: bytes, target: "Target") -> None:
        self._prefix = prefix
        self._target = target

    def answer(self, outbox: "Outbox", message: "Message") -> bool:
        """Answer there by this outbox, the publisher's; whether that was the place."""
        prefix, target, reply = self._prefix, self._target, message.reply
        is_there = reply.startswith(prefix) and len(reply) > len(prefix) and reply.find(b".", len(prefix)) < 0
        if not is_there or target.outbox is not outbox or target.limit:
            return False
        outbox.send(no_responders(message.subject, target.sid, reply))
        target.delivered += 1
        return True
