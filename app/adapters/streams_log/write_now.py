"""Messages that wait for no sync are written at once, if they are few."""

from .log import FileLog
from .rounds import Rounds
from .writer import MessageWriter


def write_now(writer: MessageWriter, log: FileLog, rounds: Rounds) -> bool:
    """Write what a stream has; False if that is for a round, which has steps for all that can be the matter.

    The page cache takes it, so it survives the end of the process. Two changes of threads, and the
    steps of a round, take longer than that.
    """
    if log.failure is not None or not writer.is_quick:
        return False
    try:
        if not rounds.try_now(writer.write_now):
            return False
    except OSError:
        return False  # the round meets it again
    log.taken()
    log.succeeded()
    return True
