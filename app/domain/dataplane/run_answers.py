"""Answers to the messages of a run: those that say as which sequence each was stored. Plain twin."""

from .incoming_run import IncomingRun
from .reach import Direct, Reach

END = b"}"
"""How an answer ends, after its number."""


def deliver_answers(plane: Direct, run: IncomingRun, start: int, first: int, head: bytes) -> int:
    """See `reach.Direct.deliver_answers`."""
    for position in range(start, run.count):
        reply = run.reply(position)
        if not reply:
            continue
        text = b"%b%d%b" % (head, first + position, END)
        if plane.deliver(reply, reply, b"", b"", text) is Reach.CONGESTED:
            return position
    return run.count
