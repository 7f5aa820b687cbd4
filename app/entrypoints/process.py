"""Running a server as a process: log, pid file, signals and service manager."""

import asyncio
import faulthandler
import gc
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress

from ..adapters.logs.destinations import LogDestinationError, warn
from ..adapters.logs.setup import LogSettings, open_event_log
from ..adapters.net_asyncio.tls_context import TlsError
from ..adapters.process.descriptors import allow_many_descriptors
from ..adapters.process.event_loop import exit_after, exit_status, run_in_loop
from ..adapters.process.file_watch import FileWatchError, check_watching
from ..adapters.process.files import PidFileError, write_pid_file
from ..adapters.process.heap import find_trim, keep_free_memory
from ..adapters.process.ports_file import PortsFile, PortsFileError
from ..config.load import Loaded
from ..config.options import Options
from ..domain.broker import FLUSH_SECONDS
from ..domain.events import Event
from ..ports.authenticator import AuthError
from ..ports.event_log import EventLog
from ..ports.hooks import HooksError
from . import signals
from .certificate_watch import watch_certificates
from .container import Container
from .events import (
    ConfigurationQuestioned,
    PendingRaised,
    PlainDataPlane,
    PortsFileFailed,
    SignalTrapped,
    StartFailed,
)
from .listening_urls import listening_urls
from .memory_trimmer import BackgroundCall, MemoryTrimmer
from .reload import Reloader
from .reloading import Reloading
from .service import Addresses, CannotStart
from .settings import lame_duck_terms

_STOPPED, _FAILED, _DUMPED = 0, 1, 2
_STDERR = 2

_WAKING = signal.SIGURG
"""A signal that is ignored by default: the loop restores the default at its end."""

LoadAgain = Callable[[], Loaded]
"""Reads the configuration again. Raises `ConfigError`."""

_LAST_SECONDS = FLUSH_SECONDS + 15.0
"""Time after a stop signal at which the process exits, even if its event loop is stuck."""

_COLLECT_AFTER = (20_000, 20, 50)
"""Thresholds of the garbage collector: the broker frees its objects by reference count,
so frequent collections would only add pauses."""


def run(container: Container, loaded: Loaded, load_again: Callable[[], Loaded] | None = None) -> int:
    """Serve until a signal; return the exit status.

    A failure to start is one fatal line in the log, or on standard error without a log. `load_again`
    reads the configuration for a reload, and raises `ConfigError`.
    """
    load = load_again or (lambda: loaded)
    with ExitStack() as at_end:
        try:
            stop_signals = signals.StopSignals(signals.raise_interrupt)
            _handle_dump()
            status = exit_status(_run(container, loaded, load, stop_signals, at_end))
            stop_signals.ignore()  # here, where an interrupt is not lost
            return status  # noqa: TRY300 - the end of the happy path
        except KeyboardInterrupt:
            return _STOPPED


def _run(
    container: Container,
    loaded: Loaded,
    load: LoadAgain,
    stop_signals: signals.StopSignals,
    at_end: ExitStack,
) -> int:
    try:
        events = container.event_log()
    except LogDestinationError as error:
        _say_without_log(loaded.options, StartFailed(None, str(error)))
        return _FAILED
    with closing(events):
        try:
            _begin(container, loaded, events)
            status = run_in_loop(_serve(container, load, stop_signals, at_end), _loop_factory())
            container.kept_links().settle()
            return status  # noqa: TRY300 - the end of the happy path
        except CannotStart as error:  # it is logged
            fact = error.fact
        except (AuthError, FileWatchError, HooksError, TlsError, PidFileError) as error:
            fact = StartFailed(None, str(error))
            events.record(fact)
        if _logs_elsewhere(loaded.options):
            warn(fact.text())
    return _FAILED


def _begin(container: Container, loaded: Loaded, events: EventLog) -> None:
    """Do what comes before the loop.

    Raises `AuthError`, `FileWatchError`, `HooksError`, `PidFileError` and `TlsError`.
    """
    for notice in loaded.notices:
        events.record(ConfigurationQuestioned(None, str(notice)))
    if container.fell_back:
        events.record(PlainDataPlane(None))
    options, max_pending = loaded.options, loaded.options.pending_limit
    if max_pending > options.max_pending_size:
        events.record(PendingRaised(None, max_pending, options.max_payload))
    container.own_process()
    container.authenticator()
    container.checked_hooks()
    container.client_tls()
    container.accepted_route_tls()
    container.dialed_route_tls()
    if options.tls_reload == "auto":
        check_watching()
    if loaded.options.pid_file is not None:
        write_pid_file(loaded.options.pid_file)
    allow_many_descriptors()


async def _serve(
    container: Container, load: LoadAgain, stop_signals: signals.StopSignals, at_end: ExitStack
) -> int:
    """Raises `CannotStart`."""
    service, manager = container.service(), container.service_manager()
    memory = MemoryTrimmer(service.broker, container.clock(), BackgroundCall(find_trim()))
    starting = asyncio.ensure_future(service.start())
    reloading = Reloading(container, Reloader(container, load), starting)
    stop, requests = _handle_signals(container, reloading, starting, stop_signals, at_end)
    ports: PortsFile | None = None
    background: list[asyncio.Task[None]] = []
    try:
        if await _has_started(starting, stop):
            ports = _write_ports(container, starting.result())
            _settle_memory()
            memory.start()
            background = _in_background(container, reloading)
            manager.ready()
            manager.keep_alive(container.clock())
        await stop.wait()
        reloading.close()
        for task in background:
            task.cancel()
        memory.stop()
        manager.stopping()
        container.kept_links().begin()
        await service.stop(keep_log=True)  # it is closed after the loop, which takes no thread
        await service.departed()
    finally:
        if ports is not None:
            ports.remove()
        stop_signals.ignore()
        requests.ignore()
    return _STOPPED


def _in_background(container: Container, reloading: Reloading) -> list[asyncio.Task[None]]:
    """What goes on while the server serves."""
    work = [container.certificate_dates().read(container.options)]
    if container.options.tls_reload == "auto":
        work.append(watch_certificates(lambda: container.options, reloading.begin))
    return [asyncio.create_task(each) for each in work]


def _write_ports(container: Container, addresses: Addresses) -> PortsFile | None:
    """Say in a file where the server is found."""
    options = container.options
    if options.ports_file_dir is None:
        return None
    file = PortsFile(options.ports_file_dir)
    try:
        file.write(listening_urls(options, addresses))
    except PortsFileError as error:
        container.event_log().record(PortsFileFailed(None, str(error)))
    return file


async def _has_started(starting: "asyncio.Future[Addresses]", stop: asyncio.Event) -> bool:
    """False if a signal has cancelled the start. Raises `CannotStart`."""
    try:
        await starting
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        return False
    return True


def _handle_signals(
    container: Container,
    reloading: Reloading,
    starting: "asyncio.Future[Addresses]",
    stop_signals: signals.StopSignals,
    at_end: ExitStack,
) -> tuple[asyncio.Event, signals.RequestSignals]:
    """Handle signals from now on; a stop signal sets the event and cancels `starting`.

    What `at_end` is given is undone when the program has ended its server.
    """
    stop, events = asyncio.Event(), container.event_log()

    def end(name: str) -> None:
        events.record(SignalTrapped(None, name))
        stop.set()
        starting.cancel()

    loop = asyncio.get_running_loop()

    def trap(name: str) -> None:
        loop.call_soon_threadsafe(end, name)
        with suppress(RuntimeError):  # there is no thread to be had: the end has its other limits
            at_end.callback(exit_after(_LAST_SECONDS, _give_up).cancel)

    stop_signals.then(trap)
    # A loop with a handler is woken also by signals that another thread takes: add one for an unused signal.
    loop.add_signal_handler(_WAKING, _do_nothing)
    signal.set_wakeup_fd(signal.set_wakeup_fd(-1), warn_on_full_buffer=False)  # a full buffer wakes it too
    requests: dict[signal.Signals, Callable[[], object]] = {
        signals.REOPEN: events.reopen,
        signals.RELOAD: reloading.begin,
        signals.LAME_DUCK: _Leaving(container, starting, stop).begin,
    }
    return stop, signals.RequestSignals(loop.call_soon_threadsafe, requests)


class _Leaving:
    """Lame duck mode, as a signal asks for it; its end stops the server."""

    def __init__(
        self, container: Container, starting: "asyncio.Future[Addresses]", stop: asyncio.Event
    ) -> None:
        self._container = container
        self._starting = starting
        self._stop = stop
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """A second signal changes nothing."""
        self._container.event_log().record(SignalTrapped(None, "user defined signal 2"))
        if self._task is None:
            self._task = asyncio.create_task(self._leave())

    async def _leave(self) -> None:
        await asyncio.wait([self._starting])
        if self._starting.cancelled() or self._starting.exception() is not None:
            return  # there is no server
        self._container.service_manager().status("Lame duck mode: clients are sent to other servers")
        await self._container.service().lame_duck(lame_duck_terms(self._container.options))
        self._stop.set()


def _do_nothing() -> None:
    """See `_WAKING`."""


def _give_up() -> None:
    """Called in a thread."""
    warn(f"the server has not stopped within {_LAST_SECONDS:g} s, and ends now")
    os._exit(_FAILED)


def _handle_dump() -> None:
    """Handle the dump signal from now on, even in a server that is stuck outside of Python."""
    signal.signal(signals.DUMP, lambda *_: os._exit(_DUMPED))
    faulthandler.register(signals.DUMP, _STDERR, chain=True)


def _say_without_log(options: Options, fact: Event) -> None:
    """Log to standard error, in the configured format."""
    settings = LogSettings(
        log_file=None,
        json_lines=options.log_format == "json",
        debug=False,
        trace=False,
        logtime=options.logtime,
    )
    with closing(open_event_log(settings)) as log:
        log.record(fact)


def _logs_elsewhere(options: Options) -> bool:
    return bool(options.log_file or options.remote_syslog or options.syslog)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Uvloop where it is installed, else asyncio's own loop."""
    try:
        import uvloop  # noqa: PLC0415 - optional: it does not exist on every system
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _settle_memory() -> None:
    """Tune memory: the objects of the start are never collected, and some free memory is kept.

    No garbage is looked for before: there is none, and clients that come at once would wait for that.
    """
    keep_free_memory()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    gc.enable()
