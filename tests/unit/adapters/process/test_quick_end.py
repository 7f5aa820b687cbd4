"""Whether a program may end without the teardown of its interpreter."""

import atexit
import io
import os
import sys
import threading
from types import FrameType, SimpleNamespace
from typing import cast

import pytest

from app.adapters.process import quick_end
from app.adapters.process.quick_end import QuickEnd, end_quickly_at_exit, is_watched, may_be_quick


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody watches, whatever runs the tests."""
    monkeypatch.setattr(sys, "getprofile", lambda: None)
    monkeypatch.setattr(sys, "gettrace", lambda: None)
    monkeypatch.setattr(threading, "getprofile", lambda: None)
    monkeypatch.setattr(threading, "gettrace", lambda: None)
    monkeypatch.setattr(sys, "monitoring", SimpleNamespace(get_tool=lambda _tool: None), raising=False)
    monkeypatch.setattr(sys, "flags", flags())
    for name in ("PYTHONINSPECT", "PYTHONMALLOCSTATS", "LD_PRELOAD", "DYLD_INSERT_LIBRARIES"):
        monkeypatch.delenv(name, raising=False)


def flags(**on: bool) -> SimpleNamespace:
    """The interpreter's flags that matter."""
    return SimpleNamespace(**(dict.fromkeys(("dev_mode", "inspect", "interactive", "verbose"), False) | on))


def called_by(*names: str | None) -> FrameType:
    """The frame of the last of these modules; each is run by the one before."""
    frame: object = None
    for name in names:
        frame = SimpleNamespace(f_globals={"__name__": name}, f_back=frame)
    return cast("FrameType", frame)


@pytest.mark.parametrize(
    ("callers", "before", "quick"),
    [
        (["__main__"], 0, True),
        (["runpy", "runpy", "__main__"], 0, True),
        (["runpy", "runpy", "__main__"], 1, False),
        (["runpy", "__main__", "cProfile", None, "runpy", "__main__"], 0, False),
        (["__main__", "__main__"], 0, False),
        (["runpy", "some.program"], 0, False),
    ],
)
def test_whose_process_it_is(callers: list[str | None], before: int, *, quick: bool) -> None:
    """It is ours if the interpreter alone runs us, and nobody else has something to do at its exit."""
    assert quick is may_be_quick(called_by(*callers), before)


def test_a_process_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is registered in a process that belongs to another program; in ours it is."""
    registered: list[object] = []
    monkeypatch.setattr(atexit, "register", registered.append)
    monkeypatch.setattr(atexit, "_ncallbacks", lambda: 0)

    end_quickly_at_exit(sys._getframe())  # noqa: SLF001 - a frame of a test run
    assert [] == registered

    quick = end_quickly_at_exit(called_by("__main__"))
    assert [quick.end] == registered


def test_an_interpreter_that_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can say whether there are callbacks, there may be some."""
    registered: list[object] = []
    monkeypatch.setattr(quick_end, "atexit", SimpleNamespace(register=registered.append))

    end_quickly_at_exit(called_by("__main__"))

    assert [] == registered


def test_the_status_is_known() -> None:
    """The process ends with the status of the program, and in the usual way if there is none."""
    statuses: list[int] = []
    quick = QuickEnd(statuses.append)

    quick.end()
    assert [] == statuses

    assert 3 == quick.with_status(3)
    quick.end()
    assert [3] == statuses


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        (sys, "getprofile", lambda: len),
        (sys, "gettrace", lambda: len),
        (sys, "is_stack_trampoline_active", lambda: True),
        (threading, "getprofile", lambda: len),
        (threading, "gettrace", lambda: len),
        (sys, "monitoring", SimpleNamespace(get_tool=lambda tool: "coverage" if tool == 1 else None)),
        (sys, "flags", flags(dev_mode=True)),
        (sys, "flags", flags(inspect=True)),
        (sys, "flags", flags(interactive=True)),
        (sys, "flags", flags(verbose=True)),
    ],
)
def test_somebody_watches(monkeypatch: pytest.MonkeyPatch, where: object, name: str, value: object) -> None:
    """With a profiler, a tracer, or a flag for those who watch, the end is the usual one."""
    statuses: list[int] = []
    monkeypatch.setattr(where, name, value, raising=False)
    quick = QuickEnd(statuses.append)
    quick.with_status(0)

    quick.end()

    assert (True, []) == (is_watched(), statuses)


@pytest.mark.parametrize(
    "name", ["PYTHONINSPECT", "PYTHONMALLOCSTATS", "LD_PRELOAD", "DYLD_INSERT_LIBRARIES"]
)
def test_a_variable_asks_for_the_end(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """It counts with a value, and not if it is empty."""
    monkeypatch.setenv(name, "")
    assert not is_watched()

    monkeypatch.setitem(os.environ, name, "some")
    assert is_watched()


def test_an_older_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an interpreter does not have watches nothing."""
    monkeypatch.delattr(sys, "monitoring", raising=False)
    monkeypatch.delattr(sys, "is_stack_trampoline_active", raising=False)

    assert not is_watched()


class FullDisk(io.StringIO):
    """Takes all, and writes nothing."""

    def flush(self) -> None:
        """Fail."""
        raise OSError(28, "no space left on device")


@pytest.mark.parametrize(("stream", "ends"), [(None, True), (io.StringIO(), True), (FullDisk(), False)])
def test_what_was_printed(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None, *, ends: bool) -> None:
    """What cannot be written is left to the interpreter, which has an exit status for it."""
    statuses: list[int] = []
    monkeypatch.setattr(sys, "stdout", stream)
    quick = QuickEnd(statuses.append)
    quick.with_status(0)

    quick.end()

    assert ([0] if ends else []) == statuses
