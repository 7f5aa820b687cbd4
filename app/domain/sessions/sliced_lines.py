"""Many lines for one connection: a slice at once, and more as the peer takes them.

So what another server has to hear of at the beginning of a link delays nobody, and little of it is
pending at a time.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

from ..timers import Scheduler
from .connection import Connection

SLICE = 2000
"""Lines that are sent in one go."""

ENOUGH = 4 * 1024 * 1024
"""While more bytes are pending for the peer the next slice waits."""

PATIENCE = 0.05
"""Seconds between checks of such a peer."""


def send_sliced(
    connection: Connection, scheduler: Scheduler, lines: Iterator[bytes], done: Callable[[], None]
) -> None:
    """Send all lines, each made when its turn comes, and call `done`; nothing more once it is closed."""
    if connection.closed:
        return
    go_on = partial(connection.guard, partial(send_sliced, connection, scheduler, lines, done))
    if connection.outbox.pending() > ENOUGH:
        scheduler.call_later(PATIENCE, go_on)
        return
    sent = list(islice(lines, SLICE))
    connection.send(b"".join(sent))
    if len(sent) < SLICE:
        done()
    else:
        scheduler.call_later(0.0, go_on)
