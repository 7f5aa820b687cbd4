"""Asking again and again, in a thread of its own, so that the screen never waits."""

import threading
from collections.abc import Callable

from app.adapters.top.rates import Reading
from app.adapters.top.source import Question, Source, Unreachable

Report = Reading | Unreachable


class Poller:
    """Reads a source every `delay` seconds, and at once when the question changes."""

    def __init__(self, source: Source, delay: float, question: Question) -> None:
        self._source = source
        self._delay = delay
        self._question = question
        self._wake = threading.Event()
        self._stopped = threading.Event()

    def start(self, report: Callable[[Report], None]) -> None:
        """Begin; `report` is called in the thread, with each reading, or with the reason for none."""
        # A daemon: a server that does not answer must not keep the program from ending.
        threading.Thread(target=self._run, args=(report,), name="poller", daemon=True).start()

    def ask(self, question: Question) -> None:
        """Ask this from now on, and at once."""
        self._question = question
        self._wake.set()

    def stop(self) -> None:
        """Ask no more; a question that is under way is not waited for."""
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
            return self._source.read(self._question)
        except Unreachable as reason:
            return reason
