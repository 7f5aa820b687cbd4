"""The composition root: the one place that knows every part of a server.

Each part is a provider. A test or an embedder replaces one with a line such as
``container.listener.override(providers.Object(mine))`` before `Container.service`
is called. Only `dependency_injector.providers` is imported: the library's
``containers`` would import FastAPI, which a plain broker does not need.
"""

import platform

from dependency_injector import providers

from app.adapters.auth.plain import OpenDoor
from app.adapters.clock_loop import LoopClock
from app.adapters.entropy import SystemEntropy
from app.adapters.logs.setup import LogSettings, open_event_log
from app.adapters.net_asyncio.listener import TcpListener
from app.adapters.process.heap import find_trim
from app.config.options import Options
from app.domain.broker import Broker, Needs
from app.domain.dataplane import AUTO, choose
from app.domain.encode import ServerInfo
from app.domain.events import InternalFailure
from app.domain.limits import Limits
from app.entrypoints.service import Parts, Service
from app.ports.authenticator import Authenticator
from app.ports.clock import Clock
from app.ports.entropy import Entropy
from app.ports.event_log import EventLog
from app.ports.transport import Listener

ADVERTISED_VERSION = "0.8.0"
"""The gnatsd whose protocol is spoken. Clients decide by it what they may use."""


class Container:
    """The parts of one server, made on demand, once each."""

    def __init__(self, options: Options, data_plane: str = AUTO) -> None:
        """`data_plane` names the twin that runs.

        Raises `DataPlaneUnavailable`.
        """
        twin, make_plane = choose(data_plane)
        self.options = providers.Object(options)
        self.clock: providers.Provider[Clock] = providers.Singleton(LoopClock)
        self.entropy: providers.Provider[Entropy] = providers.Singleton(SystemEntropy)
        self.event_log: providers.Provider[EventLog] = providers.Singleton(
            open_event_log, _log_settings(options)
        )
        self.authenticator: providers.Provider[Authenticator] = providers.Singleton(OpenDoor)
        self.broker: providers.Provider[Broker] = providers.Singleton(
            Broker,
            _limits(options),
            providers.Callable(_server_info, options, self.entropy, self.authenticator),
            providers.Factory(
                Needs,
                make_plane=providers.Object(make_plane),
                seed=providers.Callable(lambda entropy: entropy.seed(), self.entropy),
                scheduler=self.clock,
                gatekeeper=self.authenticator,
                events=self.event_log,
            ),
        )
        self.listener: providers.Provider[Listener] = providers.Singleton(
            TcpListener,
            options.host,
            options.port,
            on_failure=providers.Callable(_failure_reporter, self.event_log),
            on_accept_failed=self.event_log.provided.record,
        )
        self.service: providers.Provider[Service] = providers.Singleton(
            Service,
            self.broker,
            providers.Factory(
                Parts,
                listener=self.listener,
                events=self.event_log,
                authenticator=self.authenticator,
                data_plane=twin,
                give_memory_back=providers.Object(find_trim()),
            ),
        )


def _failure_reporter(event_log: EventLog) -> object:
    return lambda error: event_log.record(InternalFailure(None, repr(error)))


def _log_settings(options: Options) -> LogSettings:
    return LogSettings(
        log_file=options.log_file,
        json_lines=options.log_format == "json",
        debug=options.debug,
        trace=options.trace,
        logtime=options.logtime,
    )


def _limits(options: Options) -> Limits:
    return Limits(
        max_connections=options.max_connections,
        max_control_line=options.max_control_line,
        max_payload=options.max_payload,
        max_pending=options.max_pending_size,
        ping_interval=options.ping_interval,
        ping_max=options.ping_max,
        write_deadline=options.write_deadline,
        auth_timeout=options.auth_timeout,
    )


def _server_info(options: Options, entropy: Entropy, authenticator: Authenticator) -> ServerInfo:
    return ServerInfo(
        server_id=entropy.identifier(),
        version=ADVERTISED_VERSION,
        go=f"{platform.python_implementation().lower()}{platform.python_version()}",
        host=options.host,
        port=options.port,
        auth_required=authenticator.required,
        tls_required=False,
        tls_verify=False,
        max_payload=options.max_payload,
    )
