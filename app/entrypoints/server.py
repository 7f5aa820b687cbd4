"""``python -m app.entrypoints.server``: run a server until a signal ends it."""

import asyncio
import gc
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence

from app.adapters.logs.destinations import LogFileError
from app.config.flags import Request, parse, usage
from app.config.go_flags import UsageError
from app.config.options import Options, OptionsError, make_options
from app.domain.dataplane import AUTO, DataPlaneUnavailable
from app.domain.events import ListenFailed, SignalTrapped
from app.entrypoints.container import ADVERTISED_VERSION, Container
from app.ports.transport import ListenError

_USAGE_STATUS = 2
_FATAL_STATUS = 1
_SIGNALS = {signal.SIGINT: "interrupt", signal.SIGTERM: "terminated"}

_COLLECT_AFTER = (20_000, 20, 50)
"""Thresholds of the garbage collector: the broker frees its objects by reference
count, so looking for circles often would only add pauses."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the server for a command line; return the exit status."""
    try:
        given = parse(sys.argv[1:] if words is None else words)
        if given is Request.HELP:
            sys.stdout.write(usage())
            return 0
        if given is Request.VERSION:
            sys.stdout.write(f"nats-server version {ADVERTISED_VERSION}\n")
            return 0
        options = make_options(given)
        container = Container(options, os.environ.get("DATA_PLANE", AUTO))
        container.event_log()
    except (UsageError, OptionsError) as error:
        sys.stderr.write(f"{error}\n")
        sys.stdout.write(usage())
        return _USAGE_STATUS
    except (LogFileError, DataPlaneUnavailable) as error:
        sys.stderr.write(f"{error}\n")
        return _FATAL_STATUS
    return _run(container, options)


def _run(container: Container, options: Options) -> int:
    _allow_many_descriptors()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            return runner.run(_serve(container, options))
        finally:
            container.event_log().close()


def _allow_many_descriptors() -> None:
    """Raise the soft limit of open files to the hard one: each connection takes one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop where it is installed, else asyncio's own loop."""
    try:
        import uvloop  # noqa: PLC0415 - optional: it does not exist on every system
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(container: Container, options: Options) -> int:
    events = container.event_log()
    service = container.service()
    stop = asyncio.Event()

    def trap(name: str) -> None:
        events.record(SignalTrapped(None, name))
        stop.set()

    for number, name in _SIGNALS.items():
        asyncio.get_running_loop().add_signal_handler(number, trap, name)
    try:
        await service.start()
    except ListenError as error:
        events.record(ListenFailed(None, options.host, options.port, str(error)))
        return _FATAL_STATUS
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    await stop.wait()
    await service.stop()
    await service.departed()
    return 0


if __name__ == "__main__":
    sys.exit(main())
