"""A signal from a thread without interpreter to the loop: a pipe that the loop watches."""

import os
from collections.abc import Callable
from contextlib import suppress

Watch = Callable[[int, Callable[[], None]], Callable[[], None]]
"""Has something called on the loop whenever a descriptor can be read; returns a call that ends that."""

_MANY = 4096


class WriteSignal:
    """Calls something on the loop after each byte that is written to `descriptor`, or after several."""

    def __init__(self, watch: Watch, call: Callable[[], None]) -> None:
        """Raises `OSError` if there is no descriptor, or no room to watch one."""
        self._read, self.descriptor = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._call = call
        try:
            self._end = watch(self._read, self._signalled)
        except OSError:
            self._close_both()
            raise

    def _signalled(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._read, _MANY)
        self._call()

    def close(self) -> None:
        """Watch no more; nothing writes any more."""
        self._end()
        self._close_both()

    def _close_both(self) -> None:
        os.close(self._read)
        os.close(self.descriptor)
