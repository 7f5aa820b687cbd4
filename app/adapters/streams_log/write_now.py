"""Messages that wait for no sync are written at once, if they are few."""

from .log import FileLog
from .rounds import Rounds
from .writer import MessageWriter


def write_now(writer: MessageWriter, log: FileLog, rounds: Rounds) -> bool:
    """Write the messages of a stream that wait; False if a round has to do that.

    That is so if they are many, need a new file, follow a failure, or if the storage's thread is busy.
    What is written is in the page cache and survives the end of the process. A round would take longer:
    it has two changes of threads.

    Raises `OSError`: nothing was noted then, and a round writes the same again.
    """
    if log.failure is not None or not writer.is_quick:
        return False
    if not rounds.try_now(writer.write_now):
        return False
    log.written_now()
    return True
