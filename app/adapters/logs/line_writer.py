"""Writing lines without ever making the event loop wait.

Disks fill up and terminals are held with Ctrl-S. A thread of its own meets them,
so that only log lines suffer: what does not fit into a bounded queue is dropped,
counted, and reported in the log itself once there is room again.
"""

import errno
import threading
import weakref
from collections.abc import Callable
from io import RawIOBase

CAPACITY = 8 * 1024 * 1024
"""Bytes that may wait to be written."""

CLOSE_SECONDS = 2.0
"""How long closing waits for a slow destination."""


Action = Callable[[], str]
"""Something to do between two lines; words the line that comes next."""


class LineWriter:
    """A queue of lines, and the one thread that writes them to `sink`.

    `sink` is unbuffered, so that a line counts as written only when it is; the
    writer closes it. `dropped` words the line that reports how many were lost.
    `warn` is told of the first failure, in the writer's thread; later ones are
    silent, for a full disk must not fill another. `hurry` is called when the writer
    is closed, for a sink that waits for better times to stop doing so.

    A writer that is dropped without being closed ends as if it had been, by itself.
    """

    def __init__(
        self,
        sink: RawIOBase,
        dropped: Callable[[int], str],
        warn: Callable[[str], None],
        capacity: int = CAPACITY,
        hurry: Callable[[], None] | None = None,
    ) -> None:
        worker = _Worker(sink, dropped, warn, capacity, hurry)
        self.write = worker.write
        """Queue one line; see `_Worker.write`."""
        self.between = worker.between
        """Queue an action; see `_Worker.between`."""
        self.close = worker.close
        """Write what is queued, for some seconds at most; see `_Worker.close`."""
        weakref.finalize(self, worker.end).atexit = False


class _Worker:
    """The queue and the thread, which holds nothing of what holds the writer."""

    def __init__(
        self,
        sink: RawIOBase,
        dropped: Callable[[int], str],
        warn: Callable[[str], None],
        capacity: int = CAPACITY,
        hurry: Callable[[], None] | None = None,
    ) -> None:
        self._sink = sink
        self._dropped_line = dropped
        self._warn = warn
        self._capacity = capacity
        self._hurry = hurry
        # Shared with the thread, guarded by the condition. Its lock can be taken twice by
        # one thread, so a signal handler that logs cannot lock out the call it interrupts.
        self._changed = threading.Condition()
        self._steps: list[bytes | Action] = []
        self._held = 0
        self._in_hand = 0
        self._dropped = 0
        self._closing = False
        # The thread's own.
        self._missing = 0
        self._torn = False
        self._warned = False
        self._thread = threading.Thread(target=self._run, name="event-log", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Queue one line; drop it when the queue is full or closed.

        It holds no line end, for each one counts as a line. One longer than the whole
        queue is taken when nothing else waits.
        """
        data = _encoded(line)
        with self._changed:
            if self._closing:
                return
            if self._held and self._held + len(data) > self._capacity:
                self._dropped += 1
            else:
                self._steps.append(data)
                self._held += len(data)
            self._changed.notify()

    def between(self, action: Action) -> None:
        """Queue an action: it comes behind all lines so far, in the writer's thread.

        The line it returns is written next, before all that follow. A full queue takes it.
        """
        with self._changed:
            if not self._closing:
                self._steps.append(action)
                self._changed.notify()

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Write what is queued, for `timeout` seconds at most. May be called twice."""
        self.end()
        if self._hurry is not None:
            self._hurry()
        self._thread.join(timeout)

    def end(self) -> None:
        """Take no more; the thread ends when it has written what is queued."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def _run(self) -> None:
        steps, dropped = self._take()
        while steps or dropped:
            self._emit(steps, dropped)
            steps, dropped = self._take()
        try:
            self._sink.close()
        except OSError as error:
            self._complain(error)

    def _take(self) -> tuple[list[bytes | Action], int]:
        """What is due now; nothing at all means the end.

        The bytes in hand count as held until they are written, or a stuck
        destination would let as much again pile up behind them.
        """
        with self._changed:
            self._held -= self._in_hand
            self._in_hand = 0
            self._changed.wait_for(lambda: self._steps or self._dropped or self._closing)
            steps, self._steps = self._steps, []
            dropped, self._dropped = self._dropped, 0
            self._in_hand = self._held
            return steps, dropped

    def _emit(self, steps: list[bytes | Action], dropped: int) -> None:
        """Take the steps, then write the report of lines that were dropped behind them."""
        lines: list[bytes] = []
        for step in steps:
            if isinstance(step, bytes):
                lines.append(step)
            else:
                self._missing += self._deliver(b"".join(lines))
                lines = [_encoded(step())]
        self._missing += self._deliver(b"".join(lines)) + dropped
        if self._missing and not self._deliver(_encoded(self._dropped_line(self._missing))):
            self._missing = 0

    def _deliver(self, data: bytes) -> int:
        """Write all of it; the number of lines that did not get through.

        A line that broke off is ended first, so that it spoils no other.
        """
        mend = b"\n" if self._torn else b""
        data = mend + data
        view = memoryview(data)
        written = 0
        try:
            while written < len(data):
                written += self._write_some(view[written:])
        except OSError as error:
            self._complain(error)
        if written:
            self._torn = not data.startswith(b"\n", written - 1)
        return data.count(b"\n", max(written, len(mend)))

    def _write_some(self, data: memoryview) -> int:
        count = self._sink.write(data)
        if count is None:
            raise BlockingIOError(errno.EAGAIN, "the destination takes nothing now")
        return count

    def _complain(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            self._warn(
                f"cannot write the log: {error}; lines are lost until the destination takes them again"
            )


def _encoded(line: str) -> bytes:
    return f"{line}\n".encode("utf-8", "backslashreplace")
