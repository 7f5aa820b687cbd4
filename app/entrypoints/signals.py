"""Signal handlers until the event loop installs its own.

This module is imported first, so it imports almost nothing.
"""

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


def raise_interrupt() -> None:
    """Let a stop signal raise `KeyboardInterrupt`, since files must be closed from now on."""
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt)


def ignore_stop_signals() -> None:
    """Ignore stop signals from now on.

    Python logs an error about a signal that arrives just before it is ignored, on whichever
    thread. So the system ignores it, and a handler that does nothing takes earlier ones.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, _do_nothing)
        _set_disposition(number, signal.SIG_IGN)


def ignore_stop_signals_at_the_end() -> None:
    """Ignore stop signals, even while the interpreter ends, which gives up handlers of Python."""
    ignore_stop_signals()
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _set_disposition(number: signal.Signals, disposition: signal.Handlers) -> None:
    """Set the system's disposition of a signal, unknown to Python; only in CPython."""
    import ctypes  # noqa: PLC0415 - the module must load fast

    try:
        set_signal = ctypes.pythonapi.PyOS_setsig
    except AttributeError:
        return
    set_signal.argtypes, set_signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    set_signal(number, disposition)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """The server is stopping already."""


def _leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the shape of a signal handler
    os._exit(_STOPPED)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the shape of a signal handler
    raise KeyboardInterrupt
