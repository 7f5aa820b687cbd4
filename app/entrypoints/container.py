"""The composition root: which adapter serves which port, and with which options.

To replace a part, override its provider before `service` is made:

    container.listener.override(providers.Object(my_listener))

To add an adapter, add a line here and nothing elsewhere.
"""

import os
from functools import partial

from dependency_injector import providers

from app.adapters.auth.setup import open_authenticator
from app.adapters.clock_loop import LoopClock
from app.adapters.entropy import SystemEntropy
from app.adapters.logs.destinations import warn
from app.adapters.logs.setup import open_event_log
from app.adapters.monitoring.monitor import HttpMonitor
from app.adapters.monitoring.monitor import Needs as MonitorNeeds
from app.adapters.net_asyncio.binding import listening_socket
from app.adapters.net_asyncio.dialer import TcpDialer
from app.adapters.net_asyncio.listener import TcpListener
from app.adapters.net_asyncio.tls import TlsTerms
from app.adapters.process.heap import find_trim
from app.adapters.process.service_manager import ServiceManager
from app.config.options import Options
from app.domain.broker import Broker, Membership, Needs
from app.domain.dataplane import AUTO, choose
from app.domain.events import InternalFailure
from app.domain.view import LiveView
from app.entrypoints.service import Parts, Service
from app.entrypoints.settings import (
    accepted_route_tls,
    auth_settings,
    client_tls,
    client_urls,
    cluster_auth_settings,
    cluster_settings,
    dialled_route_tls,
    limits,
    log_settings,
    monitor_endpoints,
    monitor_settings,
    server_info,
)
from app.ports.authenticator import Authenticator
from app.ports.broker_view import BrokerView
from app.ports.clock import Clock
from app.ports.entropy import Entropy
from app.ports.event_log import EventLog
from app.ports.monitor import Monitor
from app.ports.transport import Dialer, Listener


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
            open_event_log, log_settings(options)
        )
        self.authenticator: providers.Provider[Authenticator] = providers.Singleton(
            open_authenticator, auth_settings(options), self.event_log.provided.record
        )
        self.dialled_route_tls: providers.Provider[TlsTerms | None] = providers.Singleton(
            dialled_route_tls, options, self.event_log.provided.record
        )
        self.dialer: providers.Provider[Dialer] = providers.Singleton(
            TcpDialer,
            on_failure=providers.Callable(_failure_reporter, self.event_log),
            tls=self.dialled_route_tls,
        )
        self.route_authenticator: providers.Provider[Authenticator] = providers.Singleton(
            open_authenticator, cluster_auth_settings(options), self.event_log.provided.record
        )
        self.membership: providers.Provider[Membership | None] = providers.Object(None)
        if options.cluster.port:
            self.membership = providers.Singleton(
                Membership,
                settings=providers.Object(cluster_settings(options)),
                gatekeeper=self.route_authenticator,
                dialer=self.dialer,
            )
        self.broker: providers.Provider[Broker] = providers.Singleton(
            Broker,
            limits(options),
            providers.Callable(server_info, options, self.entropy, self.authenticator),
            providers.Factory(
                Needs,
                make_plane=providers.Object(make_plane),
                seed=providers.Callable(lambda entropy: entropy.seed(), self.entropy),
                scheduler=self.clock,
                gatekeeper=self.authenticator,
                events=self.event_log,
            ),
            self.membership,
        )
        self.client_tls: providers.Provider[TlsTerms | None] = providers.Singleton(
            client_tls, options, self.event_log.provided.record
        )
        self.listener: providers.Provider[Listener] = providers.Singleton(
            TcpListener,
            options.host,
            options.port,
            on_failure=providers.Callable(_failure_reporter, self.event_log),
            on_accept_failed=self.event_log.provided.record,
            tls=self.client_tls,
        )
        self.accepted_route_tls: providers.Provider[TlsTerms | None] = providers.Singleton(
            accepted_route_tls, options, self.event_log.provided.record
        )
        self.route_listener: providers.Provider[Listener] = providers.Singleton(
            TcpListener,
            options.cluster.host,
            options.cluster.port,
            on_failure=providers.Callable(_failure_reporter, self.event_log),
            on_accept_failed=self.event_log.provided.record,
            tls=self.accepted_route_tls,
        )
        self.view: providers.Provider[BrokerView] = providers.Singleton(LiveView, self.broker)
        self.monitor: providers.Provider[Monitor] = providers.Singleton(
            HttpMonitor,
            providers.Callable(monitor_endpoints, options),
            monitor_settings(options, twin),
            providers.Factory(
                MonitorNeeds,
                view=self.view,
                clock=self.clock,
                events=self.event_log,
                open_socket=providers.Object(listening_socket),
            ),
        )
        self.service: providers.Provider[Service] = providers.Singleton(
            Service,
            self.broker,
            providers.Factory(
                Parts,
                listener=self.listener,
                route_listener=self.route_listener,
                route_authenticator=self.route_authenticator,
                dialer=self.dialer,
                client_urls=providers.Object(partial(client_urls, options)),
                events=self.event_log,
                authenticator=self.authenticator,
                monitor=self.monitor,
                data_plane=twin,
                give_memory_back=providers.Object(find_trim()),
            ),
        )
        self.service_manager: providers.Provider[ServiceManager] = providers.Singleton(
            ServiceManager, os.environ, providers.Object(warn)
        )


def _failure_reporter(event_log: EventLog) -> object:
    return lambda error: event_log.record(InternalFailure(None, repr(error)))
