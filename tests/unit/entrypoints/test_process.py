"""Unit tests of a server as a process: how its start is given up."""

import asyncio
import signal
from collections.abc import Callable, Iterator

import pytest
from dependency_injector import providers

from app.adapters.process.event_loop import ExitTimer, exit_after
from app.config.errors import Problem
from app.config.load import Loaded
from app.config.options import make_options
from app.domain.dataplane import PYTHON
from app.domain.events import Level
from app.entrypoints import process
from app.entrypoints.container import Container
from app.entrypoints.process import run
from app.ports.transport import Acceptor, Address, Listener, ListenError
from tests.fakes.event_log import RecordingEventLog
from tests.support.patience import PATIENCE

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT)


class HesitantListener(Listener):
    """Never begins to listen; meanwhile somebody sends a signal."""

    def __init__(self, number: signal.Signals) -> None:
        self._number = number

    async def start(self, acceptor: Acceptor) -> Address:  # noqa: ARG002 - nobody is accepted
        """Wait for ever."""
        signal.raise_signal(self._number)
        await asyncio.Event().wait()
        raise AssertionError("nobody sets that event")

    async def close(self) -> None:
        """There is nothing to close."""


class RefusedListener(HesitantListener):
    """Cannot listen."""

    async def start(self, acceptor: Acceptor) -> Address:  # noqa: ARG002 - nobody is accepted
        """Say why."""
        raise ListenError("no such address")


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """The handlers of signals are afterwards what they were."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def run_with(listener: Listener, *notices: Problem) -> tuple[int, RecordingEventLog]:
    """The status of a server that listens like this, and its log."""
    container, log = Container(make_options({}), PYTHON), RecordingEventLog()
    container.event_log.override(providers.Object(log))
    container.listener.override(providers.Object(listener))
    return run(container, Loaded(make_options({}), notices)), log


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "interrupt"), (signal.SIGTERM, "terminated")])
def test_a_signal_while_it_listens(number: signal.Signals, name: str) -> None:
    """A start that waits is given up in good order."""
    status, log = run_with(HesitantListener(number))

    assert 0 == status
    assert [f"Trapped Signal; {name}", "Server Exiting.."] == log.texts()[-2:]
    assert log.closed


def test_what_an_operator_must_know() -> None:
    """A plain data plane where the compiled one was expected, and a raised bound, are lines of the log."""
    options = make_options({"max_payload": 24 * 2**20})
    container, log = Container(options, PYTHON), RecordingEventLog()
    container.fell_back = True
    container.event_log.override(providers.Object(log))
    container.listener.override(providers.Object(RefusedListener(signal.SIGINT)))

    run(container, Loaded(options, ()))

    assert [Level.INFO, Level.INFO] == [event.level for event in log.events[:2]]
    assert log.texts()[0].startswith("The native data plane is not built, so the plain one is used")
    assert log.texts()[1].startswith("max_pending_size is 26222603 bytes, so that one message of max_payload")


def test_what_cannot_start_says_why() -> None:
    """The last fact of a server that cannot listen is fatal, and the status 1."""
    status, log = run_with(RefusedListener(signal.SIGINT), Problem("this has no effect"))

    assert 1 == status
    assert 'Error listening on port: 0.0.0.0:4222, "no such address"' == log.texts()[-1]
    assert Level.FATAL is log.events[-1].level
    assert (Level.ERROR, "this has no effect") == (log.events[0].level, log.texts()[0])
    assert log.closed


def test_hooks_that_cannot_be_loaded() -> None:
    """Nothing starts; the last fact names the factory, and the reason."""
    options = make_options({"hooks": {"factory": "no_such_module:make"}})
    container, log = Container(options, PYTHON), RecordingEventLog()
    container.event_log.override(providers.Object(log))

    status = run(container, Loaded(options, ()))

    assert 1 == status
    assert "hooks factory 'no_such_module:make': there is no module 'no_such_module'" in log.texts()[-1]


def test_an_end_leaves_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timer that would end a stuck server is gone with a server that has ended."""
    timers: list[ExitTimer] = []

    def note(seconds: float, exit_now: Callable[[], object]) -> ExitTimer:
        timers.append(exit_after(seconds, exit_now))
        return timers[0]

    monkeypatch.setattr(process, "exit_after", note)

    run_with(HesitantListener(signal.SIGTERM))

    assert [True] == [timer.join(PATIENCE) for timer in timers]


def test_an_end_without_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server stops also where no thread can be started that would end it if it was stuck."""

    def refuse(*_terms: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(process, "exit_after", refuse)

    status, log = run_with(HesitantListener(signal.SIGTERM))

    assert (0, True) == (status, log.closed)
