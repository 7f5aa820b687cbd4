"""Answers to the messages of a run: those that say as which sequence each was stored. Plain twin."""

from .incoming_run import IncomingRun
from .reach import Direct, Reach

END = b"}"
"""How an answer ends, after its number."""


def answer(plane: Direct, reply: bytes, head: bytes, number: int) -> bool:
    """See `reach.Direct.answer`."""
    text = b"%b%d%b" % (head, number, END)
    return plane.deliver(reply, reply, b"", b"", text) is not Reach.CONGESTED


def deliver_answers(plane: Direct, run: IncomingRun, start: int, first: int, head: bytes) -> int:
    """See `reach.Direct.deliver_answers`."""
    for position in range(start, run.count):
        reply = run.reply(position)
        if not reply:
            continue
        if not answer(plane, reply, head, first + position):
            return position
    return run.count
