"""The lock on a directory: a file in it that one process has for itself."""

import fcntl
import os
from pathlib import Path

_FILE = 0o600


class FileLock:
    """At most one lock (`flock`); it ends with `release`, or with the process."""

    def __init__(self) -> None:
        self._descriptor: int | None = None

    def take(self, path: Path, flags: int) -> None:
        """Open the file with these flags, and lock it. Raises `BlockingIOError` and other `OSError`s."""
        descriptor = os.open(path, flags | os.O_CLOEXEC, _FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Let others have it; nothing if there is no lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
