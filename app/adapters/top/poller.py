"""Polling in a thread, so that the screen never waits."""

import threading
from collections.abc import Callable

from .monitoring_port import ReadingQuery, ReadingSource, Unreachable
from .rates import ServerReading

Report = ServerReading | Unreachable


class Poller:
    """Reads a source every `delay` seconds, and at once when the query changes."""

    def __init__(self, source: ReadingSource, delay: float, query: ReadingQuery) -> None:
        self._source = source
        self._delay = delay
        self._query = query
        self._wake = threading.Event()
        self._stopped = threading.Event()

    def start(self, report: Callable[[Report], None]) -> None:
        """Start; `report` is called in the thread with each reading, or with the reason for a failure."""
        # A daemon: a server that does not answer must not keep the program from ending.
        threading.Thread(target=self._run, args=(report,), name="poller", daemon=True).start()

    def ask(self, query: ReadingQuery) -> None:
        """Use this query from now on, beginning at once."""
        self._query = query
        self._wake.set()

    def stop(self) -> None:
        """Stop; a request in progress is not waited for."""
        self._stopped.set()
        self._wake.set()

    def _run(self, report: Callable[[Report], None]) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            outcome = self._read()
            if self._stopped.is_set():
                return
            report(outcome)
            self._wake.wait(self._delay)

    def _read(self) -> Report:
        try:
            return self._source.read(self._query)
        except Unreachable as reason:
            return reason
