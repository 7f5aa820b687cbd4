"""Signals, from the first moment of a program to the event loop that takes them over.

This is imported before all else, so it imports next to nothing itself.
"""

import os
import signal
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, NoReturn, TypeAlias

Handlers: TypeAlias = Mapping[signal.Signals, Callable[[int, FrameType | None], Any] | int | None]

ENDINGS = {signal.SIGINT: "interrupt", signal.SIGTERM: "terminated"}
REOPEN, RELOAD = signal.SIGUSR1, signal.SIGHUP
UNUSED, DUMP = signal.SIGUSR2, signal.SIGQUIT

_STOPPED = 0


def end_quietly() -> Handlers:
    """A signal that ends a server ends this process, in which nothing has been begun yet.

    Those that would only ask a running server for something have no effect. Returns what
    was there before.
    """
    usual = {number: signal.signal(number, _leave) for number in ENDINGS}
    for number in (REOPEN, RELOAD, UNUSED):
        usual[number] = signal.signal(number, signal.SIG_IGN)
    return usual


def end_as_usual(usual: Handlers) -> None:
    """For a program that is no server: a signal ends it, and the status tells of the signal."""
    for number, handler in usual.items():
        # Python's own handler would show where the program stood, which is of no use to anybody.
        signal.signal(number, signal.SIG_DFL if handler is signal.default_int_handler else handler)


def end_by_interrupt() -> None:
    """A signal that ends a server raises `KeyboardInterrupt`, since files have to be closed now."""
    for number in ENDINGS:
        signal.signal(number, _interrupt)


def ignore_endings() -> None:
    """A signal that ends a server has no effect any more, not even while Python itself ends.

    Python complains of a signal that has come just before it is told to ignore it. So the
    system ignores it first, and what has come by then is for a handler that does nothing.
    """
    for number in ENDINGS:
        signal.signal(number, _do_nothing)
        _set_disposition(number, signal.SIG_IGN)
        signal.signal(number, signal.SIG_IGN)


def _set_disposition(number: signal.Signals, disposition: signal.Handlers) -> None:
    """What the system does with a signal, whatever Python knows of it; no change without CPython."""
    import ctypes  # noqa: PLC0415 - signals come first

    try:
        set_signal = ctypes.pythonapi.PyOS_setsig
    except AttributeError:
        return
    set_signal.argtypes, set_signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    set_signal(number, disposition)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Somebody asks for what is being done."""


def _leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the shape of a signal handler
    os._exit(_STOPPED)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the shape of a signal handler
    raise KeyboardInterrupt
