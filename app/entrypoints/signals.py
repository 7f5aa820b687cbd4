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


def _leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the shape of a signal handler
    os._exit(_STOPPED)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the shape of a signal handler
    raise KeyboardInterrupt
