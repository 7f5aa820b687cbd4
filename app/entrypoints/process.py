"""A server as a process of its own: its log, pid file, signals and service manager."""

import asyncio
import faulthandler
import gc
import os
import resource
import signal
from collections.abc import Callable
from contextlib import closing

from app.adapters.logs.destinations import LogDestinationError, warn
from app.adapters.logs.setup import LogSettings, open_event_log
from app.adapters.net_asyncio.tls_context import TlsError
from app.adapters.process.event_loop import end_at_last, leave, run_in_loop
from app.adapters.process.files import PidFileError, write_pid_file
from app.adapters.process.heap import keep_room
from app.config.load import Loaded
from app.config.options import Options
from app.domain.broker import FLUSH_SECONDS
from app.domain.events import Event, SignalTrapped
from app.entrypoints import signals
from app.entrypoints.container import Container
from app.entrypoints.events import (
    ConfigurationQuestioned,
    PendingRaised,
    PlainDataPlane,
    ReloadIgnored,
    StartFailed,
)
from app.entrypoints.service import CannotStart
from app.ports.authenticator import AuthError
from app.ports.event_log import EventLog

_STOPPED, _FAILED, _DUMPED = 0, 1, 2
_STDERR = 2

_LAST_SECONDS = FLUSH_SECONDS + 15.0
"""After a signal the server has ended by then, even where code of others holds its loop."""

_COLLECT_AFTER = (20_000, 20, 50)
"""Thresholds of the garbage collector: the broker frees its objects by reference
count, so looking for circles often would only add pauses."""


def run(container: Container, loaded: Loaded) -> int:
    """Serve until a signal ends it; return the exit status.

    What makes a start impossible is one fatal line in the log, or on standard error
    when there is no log.
    """
    signals.end_by_interrupt()
    _obey_dump()
    try:
        return leave(_run(container, loaded))
    except KeyboardInterrupt:
        return _STOPPED


def _run(container: Container, loaded: Loaded) -> int:
    try:
        events = container.event_log()
    except LogDestinationError as error:
        _say_without_log(loaded.options, StartFailed(None, str(error)))
        return _FAILED
    with closing(events):
        try:
            return _run_with_log(container, loaded, events)
        except CannotStart as error:  # its fact is in the log
            fact = error.fact
        except (AuthError, TlsError, PidFileError) as error:
            fact = StartFailed(None, str(error))
            events.record(fact)
        if _logs_elsewhere(loaded.options):
            warn(fact.text())
    return _FAILED


def _run_with_log(container: Container, loaded: Loaded, events: EventLog) -> int:
    """Raises `AuthError`, `TlsError`, `PidFileError` and `CannotStart`."""
    for notice in loaded.notices:
        events.record(ConfigurationQuestioned(None, str(notice)))
    if container.fell_back:
        events.record(PlainDataPlane(None))
    options, max_pending = loaded.options, loaded.options.pending_limit
    if max_pending > options.max_pending_size:
        events.record(PendingRaised(None, max_pending, options.max_payload))
    container.authenticator()
    container.client_tls()
    container.accepted_route_tls()
    container.dialled_route_tls()
    if loaded.options.pid_file is not None:
        write_pid_file(loaded.options.pid_file)
    _allow_many_descriptors()
    return run_in_loop(_serve(container), _loop_factory())


async def _serve(container: Container) -> int:
    """Raises `CannotStart`."""
    service, manager = container.service(), container.service_manager()
    starting = asyncio.ensure_future(service.start())
    stop = _obey_signals(container.event_log(), starting)
    try:
        if await _has_started(starting, stop):
            _settle_memory()
            manager.ready()
            manager.keep_alive(container.clock())
        await stop.wait()
        manager.stopping()
        await service.stop()
        await service.departed()
    finally:
        signals.ignore_endings()  # asking twice does no harm
    return _STOPPED


async def _has_started(starting: "asyncio.Future[int]", stop: asyncio.Event) -> bool:
    """False when a signal has given the start up. Raises `CannotStart`."""
    try:
        await starting
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        return False
    return True


def _obey_signals(events: EventLog, starting: "asyncio.Future[int]") -> asyncio.Event:
    """From now on; the event is set when the server shall stop, and `starting` is given up then."""
    stop = asyncio.Event()

    def end(name: str) -> None:
        events.record(SignalTrapped(None, name))
        stop.set()
        starting.cancel()

    loop = asyncio.get_running_loop()

    def trap(name: str) -> None:
        """In the middle of whatever is done. One is enough: a flood would leave no time for the end."""
        signals.ignore_endings()
        end_at_last(_LAST_SECONDS, _give_up)
        loop.call_soon_threadsafe(end, name)

    for number, name in signals.ENDINGS.items():
        # The loop would let a signal have its usual effect for a moment when its handler is removed.
        signal.signal(number, lambda *_, name=name: trap(name))
    loop.add_signal_handler(signals.REOPEN, events.reopen)
    loop.add_signal_handler(signals.RELOAD, events.record, ReloadIgnored(None))
    return stop


def _give_up() -> None:
    """Called in a thread of its own."""
    warn(f"the server has not stopped within {_LAST_SECONDS:g} s, and ends now")
    os._exit(_FAILED)


def _obey_dump() -> None:
    """From now on; the dump comes even from a server that is stuck outside of Python."""
    signal.signal(signals.DUMP, lambda *_: os._exit(_DUMPED))
    faulthandler.register(signals.DUMP, _STDERR, chain=True)


def _say_without_log(options: Options, fact: Event) -> None:
    """On standard error, in the form that the log would have."""
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


def _allow_many_descriptors() -> None:
    """Raise the soft limit of open files to the hard one: each connection takes one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Uvloop where it is installed, else asyncio's own loop."""
    try:
        import uvloop  # noqa: PLC0415 - optional: it does not exist on every system
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _settle_memory() -> None:
    """What is there now stays for good; it need not be looked at again. What comes and goes has room."""
    keep_room()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
