"""Lone messages for the server itself: all that a read has brought it. Plain twin.

What the server subscribes to comes to its own connection, and is handed over in a turn of the loop of its
own, so that many publishers make a run. A client that waits for each answer pays for that turn, and gets
nothing for it. So its message may be taken at the end of the read, before the flush: then the answer goes
out with that flush, and nothing was written to the server's connection.
"""

from collections.abc import Mapping

from .incoming_run import FAST_SUFFIX, TakeLone, read_one
from .outbox import Outbox

LONGEST_LONE = 8192
"""Bytes of a message with its line, at most."""

MOST_TOUCHED = 8
"""Connections, at most, that have something to flush; where more have, a turn of the loop is no delay."""


def serve_lone(takers: Mapping[bytes, TakeLone], server: Outbox, touched: list[Outbox]) -> None:
    """Have the message taken that is all that waits in this outbox, if it is one that somebody takes, by sid.

    `touched` are the outboxes to be flushed.
    """
    if server.closed or len(touched) > MOST_TOUCHED or server not in touched:
        return
    data = server.waiting()
    message = read_one(data) if len(data) <= LONGEST_LONE else None
    take = takers.get(message.sid) if message is not None else None
    if message is None or take is None or message.reply.endswith(FAST_SUFFIX):
        return
    touched.remove(server)
    server.withdraw()
    if not take(message.subject, message.headers, message.payload, message.reply):
        server.put_back(data)
