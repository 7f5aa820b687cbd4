"""Quick end: a finished program exits without the teardown of its interpreter.

The interpreter frees all modules and objects one by one before it ends, which takes longer than all
else in the end of a server, and changes nothing that anybody sees. So the last thing that is called
at exit, after the callbacks of everybody else, ends the process at once.

Where somebody may want the teardown, it takes place: see `may_be_quick` and `is_watched`.
"""

import atexit
import os
import sys
import threading
from collections.abc import Callable
from types import FrameType

_WATCHERS = ("getprofile", "gettrace", "is_stack_trampoline_active")
"""Functions of `sys` that say whether something watches what is executed; the last is new in Python 3.12."""

_TOOLS = range(6)
"""The numbers of tools that `sys.monitoring` has, from Python 3.12 on."""

_FLAGS = ("dev_mode", "inspect", "interactive", "verbose")
"""Flags of the interpreter for those who watch its end."""

_VARIABLES = ("PYTHONINSPECT", "PYTHONMALLOCSTATS", "LD_PRELOAD", "DYLD_INSERT_LIBRARIES")
"""Variables that ask for something at the end; a preloaded library may write a profile then."""

_RUNNER = "runpy"
"""What runs the main module of ``python -m``."""


class QuickEnd:
    """The end of one program."""

    def __init__(self, exit_now: Callable[[int], object] = os._exit) -> None:
        self._exit_now = exit_now
        self._status: int | None = None

    def with_status(self, status: int) -> int:
        """Returns `status`, with which the program is about to exit; without it `end` does nothing."""
        self._status = status
        return status

    def end(self) -> None:
        """End the process, unless a tool watches it, or its output cannot be written."""
        if self._status is not None and not is_watched() and _are_flushed():
            self._exit_now(self._status)


def end_quickly_at_exit(main: FrameType) -> QuickEnd:
    """Call this before others ask to be called at exit; `main` is the frame of the main module."""
    quick = QuickEnd()
    if may_be_quick(main, getattr(atexit, "_ncallbacks", lambda: 1)()):
        atexit.register(quick.end)  # the first to be registered is the last to be called
    return quick


def may_be_quick(main: FrameType, before: int) -> bool:
    """Whether nothing but the interpreter runs the main module, and there are no callbacks from before.

    A profiler, a debugger or another program that runs it has an exit of its own.
    """
    frame, names = main.f_back, set[object]()
    while frame is not None:
        names.add(frame.f_globals.get("__name__"))
        frame = frame.f_back
    return not before and main.f_globals.get("__name__") == "__main__" and names <= {_RUNNER}


def is_watched() -> bool:
    """Whether a profiler, a tracer or a person may need the end of the interpreter."""
    return (
        any(getattr(sys, name, bool)() for name in _WATCHERS)
        or threading.getprofile() is not None
        or threading.gettrace() is not None
        or any(getattr(sys.flags, name) for name in _FLAGS)
        or any(os.environ.get(name) for name in _VARIABLES)
        or _is_monitored()
    )


def _is_monitored() -> bool:
    monitoring = getattr(sys, "monitoring", None)
    return monitoring is not None and any(monitoring.get_tool(tool) for tool in _TOOLS)


def _are_flushed() -> bool:
    """Whether the standard streams are written out. The interpreter has an exit status for the other case."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
    except (OSError, ValueError, AttributeError):
        return False
    return True
