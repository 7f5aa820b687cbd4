"""A destination of log lines that fails, stalls or accepts few bytes, by script."""

import threading
from collections import deque
from collections.abc import Iterable
from io import RawIOBase

Outcome = int | OSError | None


class ScriptedSink(RawIOBase):
    """Keeps what is written in `written`, also after it was closed.

    Each entry of `script` settles one write: a number takes that many bytes at most,
    an error is raised, None takes nothing. Without a script everything is taken.
    A `stalled` sink holds every writer until `release`. `wait_for_writes` waits until
    that many more writes have begun.
    """

    def __init__(self, script: Iterable[Outcome] = (), *, stalled: bool = False) -> None:
        super().__init__()
        self.written = bytearray()
        self._script = deque(script)
        self._begun = threading.Semaphore(0)
        self._open = threading.Event()
        if not stalled:
            self._open.set()

    def writable(self) -> bool:
        """A sink is there to be written to."""
        return True

    def write(self, data: bytes, /) -> int | None:  # type: ignore[override] # the writer sends bytes alone
        """Do what the script says, once the sink is not stalled."""
        outcome: Outcome = self._script.popleft() if self._script else len(data)
        self._begun.release()
        self._open.wait()
        if isinstance(outcome, OSError):
            raise outcome
        if outcome is None:
            return None
        taken = data[:outcome]
        self.written += taken
        return len(taken)

    def release(self) -> None:
        """Let stalled writers go on."""
        self._open.set()

    def wait_for_writes(self, count: int) -> None:
        """Return once `count` more writes have begun."""
        for _ in range(count):
            self._begun.acquire()

    def text(self) -> str:
        """All that was taken so far."""
        return self.written.decode()
