"""Signal handlers until the event loop installs its own.

This module is imported first, so it imports almost nothing.
"""

import atexit
import os
import signal
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, NoReturn, TypeAlias

Handlers: TypeAlias = Mapping[signal.Signals, Callable[[int, FrameType | None], Any] | int | None]

STOP_SIGNALS = {signal.SIGINT: "interrupt", signal.SIGTERM: "terminated"}
REOPEN, RELOAD = signal.SIGUSR1, signal.SIGHUP
LAME_DUCK, DUMP = signal.SIGUSR2, signal.SIGQUIT

_STOPPED = 0


def exit_at_once() -> Handlers:
    """Let a stop signal end the process, in which nothing has started yet.

    Signals that only request something of a running server are ignored. Returns the
    handlers before.
    """
    usual = {number: signal.signal(number, _leave) for number in STOP_SIGNALS}
    for number in (REOPEN, RELOAD, LAME_DUCK):
        usual[number] = signal.signal(number, signal.SIG_IGN)
    return usual


def restore_defaults(usual: Handlers) -> None:
    """Handlers of a program that is no server: a signal ends it, and the exit status shows the signal."""
    for number, handler in usual.items():
        # Python's own handler would print a traceback.
        signal.signal(number, signal.SIG_DFL if handler is signal.default_int_handler else handler)


class StopSignals:
    """The stop signals of a server: the first one counts, and later ones are ignored.

    A signal that another thread has just taken reaches Python after it is ignored. Python logs an
    error if no handler is there then. So only the system ignores the signals, and the handler stays.
    """

    def __init__(self, stop: Callable[[str], object]) -> None:
        """Handle stop signals from now on; `stop` gets the name of the first, within its handler."""
        self._stop = stop
        self._first = ""
        self._are_ignored = False
        self._set_disposition = _find_setter()
        for number in STOP_SIGNALS:
            signal.signal(number, self._handle)

    def then(self, stop: Callable[[str], object]) -> None:
        """Call `stop` in place of the function before; at once if a signal has already come."""
        first, self._stop = self._first, stop
        if first:
            stop(first)

    def ignore(self) -> None:
        """Ignore stop signals from now on, also while the interpreter ends, which gives up handlers."""
        if self._are_ignored:
            return
        self._are_ignored = True
        for number in STOP_SIGNALS:
            self._set_disposition(number, signal.SIG_IGN)
        atexit.register(_ignore_for_good)

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the shape of a signal handler
        # First of all: the handler of a next signal would interrupt this one, and so on without end.
        self._set_disposition(number, signal.SIG_IGN)
        if not self._are_ignored:
            self.ignore()
            self._first = STOP_SIGNALS[signal.Signals(number)]
            self._stop(self._first)


class RequestSignals:
    """Signals that request something of a running server, which does it in its event loop.

    The loop's own handlers would restore the default at its end, and the default ends the process. The
    system ignores a signal until the loop has handled the one before: a flood would fill the wakeup buffer.
    """

    def __init__(
        self,
        call_soon: Callable[[Callable[[int], None], int], object],
        requests: Mapping[signal.Signals, Callable[[], object]],
    ) -> None:
        """Handle these signals from now on; `call_soon` schedules a call in the loop, from any thread."""
        self._call_soon = call_soon
        self._requests = requests
        self._waiting: set[int] = set()
        self._are_ignored = False
        self._set_disposition = _find_setter()
        for number in requests:
            self._expect(number)

    def ignore(self) -> None:
        """Ignore these signals from now on: the loop is about to end."""
        self._are_ignored = True
        for number in self._requests:
            self._set_disposition(number, signal.SIG_IGN)

    def _expect(self, number: int) -> None:
        signal.signal(number, self._handle)
        signal.siginterrupt(number, False)  # noqa: FBT003 - it has no name

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the shape of a signal handler
        self._set_disposition(number, signal.SIG_IGN)  # first of all, as for stop signals
        if not self._are_ignored and number not in self._waiting:
            self._waiting.add(number)
            self._call_soon(self._run, number)

    def _run(self, number: int) -> None:
        self._waiting.discard(number)
        if not self._are_ignored:
            self._expect(number)
            self._requests[signal.Signals(number)]()


def raise_interrupt(name: str) -> NoReturn:  # noqa: ARG001 - the shape of what stop signals call
    """Let a stop signal end a start in which files must be closed."""
    raise KeyboardInterrupt


def _ignore_for_good() -> None:
    for number in (*STOP_SIGNALS, REOPEN, RELOAD, LAME_DUCK):
        signal.signal(number, signal.SIG_IGN)


def _find_setter() -> Callable[[int, int], object]:
    """A function that sets what the system does at a signal; it does nothing where there is no CPython."""
    import ctypes  # noqa: PLC0415 - the module must load fast

    try:
        set_signal = ctypes.pythonapi.PyOS_setsig
    except AttributeError:
        return lambda number, disposition: None  # noqa: ARG005 - the shape of the other
    set_signal.argtypes, set_signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    return set_signal


def _leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the shape of a signal handler
    os._exit(_STOPPED)
