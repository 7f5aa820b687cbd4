"""Writing lines in a thread, so that the event loop never waits.

Disks fill up, and terminals are stopped with Ctrl-S. Then only log lines are affected:
lines that do not fit into a bounded queue are dropped and counted, and their number is
logged once there is room again.
"""

import errno
import threading
import weakref
from collections.abc import Callable
from io import RawIOBase

CAPACITY = 8 * 1024 * 1024
"""Bytes that may be queued."""

CLOSE_SECONDS = 2.0
"""Time limit of closing with a slow destination."""


Action = Callable[[], str]
"""Called between two lines; returns the line to write next."""


class LineWriter:
    """A queue of lines, and the one thread that writes them to `sink`.

    `sink` is unbuffered, so that a line counts as written only when it is; the writer
    closes it. `dropped` makes the line about a number of lost lines. `warn` is called
    with the first failure, in the writer's thread; later ones are silent, so that a full
    disk does not fill another. `hurry` is called when the writer is closed, so that a sink
    that waits for a daemon gives up.

    A writer that is dropped without being closed ends by itself.
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
        """Write the queued lines, within a time limit; see `_Worker.close`."""
        weakref.finalize(self, worker.end).atexit = False


class _Worker:
    """The queue and the thread, without references to the owner of the writer."""

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

        It must contain no line end. A line longer than the whole queue is accepted when
        the queue is empty.
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
        """Queue an action: it is called after all lines so far, in the writer's thread.

        The line that it returns is written next. A full queue accepts it.
        """
        with self._changed:
            if not self._closing:
                self._steps.append(action)
                self._changed.notify()

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Write the queued lines, for `timeout` seconds at most. May be called twice."""
        self.end()
        if self._hurry is not None:
            self._hurry()
        self._thread.join(timeout)

    def end(self) -> None:
        """Accept no more lines; the thread ends when it has written the queued ones."""
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
        """The lines to write now, and the number of dropped ones; nothing means the end.

        Bytes that are being written count as queued until they are written. Otherwise the
        queue could double behind a stuck destination.
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
        """Write the lines, then the report of dropped lines."""
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
        """Write `data`; returns the number of lines that were not written.

        A partial line from before is ended first, so that it does not join another.
        """
        line_end = b"\n" if self._torn else b""
        data = line_end + data
        view = memoryview(data)
        written = 0
        try:
            while written < len(data):
                written += self._write_some(view[written:])
        except OSError as error:
            self._complain(error)
        if written:
            self._torn = not data.startswith(b"\n", written - 1)
        return data.count(b"\n", max(written, len(line_end)))

    def _write_some(self, data: memoryview) -> int:
        count = self._sink.write(data)
        if count is None:
            raise BlockingIOError(errno.EAGAIN, "the destination accepts no data now")
        return count

    def _complain(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            self._warn(
                f"cannot write the log: {error}; lines are lost until the destination takes them again"
            )


def _encoded(line: str) -> bytes:
    return f"{line}\n".encode("utf-8", "backslashreplace")
