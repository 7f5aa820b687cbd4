"""The composition root: which adapter serves which port, and with which options.

To replace a part, override its provider before `service` is made:

    container.listener.override(providers.Object(my_listener))

To add an adapter, add a line here and nothing elsewhere.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from dependency_injector import providers

from ..adapters.auth.leaf_gatekeeper import LeafGatekeeper
from ..adapters.clock_loop import LoopClock
from ..adapters.entropy import SystemEntropy
from ..adapters.hooks.runners import HookRunners
from ..adapters.hooks.setup import CheckedHooks, OpenHooks, check_hooks, load_hooks, open_hooks
from ..adapters.logs.destinations import warn
from ..adapters.logs.rate_limit import RateLimitedEventLog
from ..adapters.logs.setup import open_event_log
from ..adapters.logs.switchable import SwitchableLog
from ..adapters.monitoring.journal import Journal, JournaledLog
from ..adapters.monitoring.monitor import HttpMonitor, MonitorEndpoint, MonitorNeeds
from ..adapters.net_asyncio.dialer import TcpDialer
from ..adapters.net_asyncio.listener import TcpListener
from ..adapters.net_asyncio.listening_socket import listening_socket
from ..adapters.net_asyncio.tls_layer import TlsLayers
from ..adapters.net_asyncio.unix_listener import UnixListener
from ..adapters.net_asyncio.websocket_layer import WebsocketLayers
from ..adapters.process.descriptors import are_descriptors_plenty
from ..adapters.process.own_thread import in_own_thread
from ..adapters.process.service_manager import ServiceManager
from ..adapters.process.switch_interval import short_switch_interval
from ..config.options import Options
from ..domain.broker import Broker
from ..domain.broker_needs import Membership, Needs
from ..domain.dataplane import AUTO, NATIVE, choose
from ..domain.dataplane.seam import MakePlane
from ..domain.leaf.settings import LeafNeeds
from ..domain.protocol.compatibility import Compatibility
from ..domain.view import LiveView
from ..ports.authenticator import Authenticator
from ..ports.broker_view import BrokerView
from ..ports.clock import Clock
from ..ports.entropy import Entropy
from ..ports.event_log import EventLog
from ..ports.hooks import Hooks
from ..ports.layers import LayerFactory
from ..ports.monitor import Monitor
from ..ports.transport import Dialer, Listener
from .certificate_dates import CertificateDates
from .journal_kinds import KINDS
from .leaf_nodes import LeafNodes, RemoteNeeds, open_remotes
from .leaf_settings import (
    has_leaves,
    leaf_anonymous,
    leaf_auth_settings,
    leaf_choice,
    leaf_listener_settings,
    leaf_tls,
)
from .service import ClientListener, Parts, Service
from .settings import (
    accepted_route_tls,
    anonymous,
    auth_settings,
    client_choice,
    client_tls,
    client_urls,
    cluster_auth_settings,
    cluster_settings,
    dialed_route_tls,
    hook_settings,
    jetstream_domain,
    limits,
    log_settings,
    monitor_endpoints,
    monitor_settings,
    nonce_maker,
    server_info,
    tls_demanded,
    unix_socket_settings,
    websocket_settings,
    websocket_tls,
    websocket_urls,
)
from .streams import OpenStorage, Streams, open_storage
from .wiring import (
    failure_reporter,
    gate_of,
    layers_of,
    listeners_of,
    noting,
    settings_of_streams,
    switchable,
    tls_layers,
    view_of_streams,
)


class Container:
    """The parts of one server, made on demand, once each."""

    def __init__(self, options: Options, data_plane: str = AUTO, config_file: str = "") -> None:
        """`data_plane` names the twin that runs; `config_file` is only shown.

        Raises `DataPlaneUnavailable`.
        """
        twin, make_plane = choose(data_plane)
        self.options = options
        """Those that are in force."""
        self.config_file = config_file
        self.dates: dict[str, float] = {}
        """When each certificate ends, by section, in seconds since the epoch, as far as it is known."""
        self.data_plane = twin
        """The twin that runs."""
        self.taps: providers.Provider[Sequence[LayerFactory]] = providers.Object(())
        """Further layers of every link, next to the wire."""
        self.fell_back = data_plane == AUTO and twin != NATIVE
        """Whether the native twin would have been taken, were it built."""
        self._provide_world(options)
        self._provide_membership(options)
        self._provide_leaves(options)
        self._provide_broker(options, make_plane)
        self._provide_streams(options)
        self._provide_listeners(options)
        self._provide_monitor(options, twin, config_file)
        self._provide_service(options, twin)
        self.service_manager: providers.Provider[ServiceManager] = providers.Singleton(
            ServiceManager, os.environ, providers.Object(warn)
        )

    def use(self, name: str, part: object) -> None:
        """Have this part in place of what the provider `name` would make; before `service` is made."""
        provider: providers.Provider[object] = getattr(self, name)
        provider.override(providers.Object(part))

    def open_log(self, options: Options) -> EventLog | None:
        """The log of these options; None for that of the program alone. Raises `LogDestinationError`."""
        return open_event_log(log_settings(options), on_dropped=noting(self.journal()))

    def use_log(self, log: EventLog | None, options: Options) -> EventLog | None:
        """Log there from now on, as these options say; return the log before, which is to be closed."""
        del options
        switchable = self.log()
        if log is None or not isinstance(switchable, SwitchableLog):
            return log
        return switchable.switch(log)

    def reopened_hooks(self, options: Options) -> OpenHooks | None:
        """The hooks of these options, ready to be asked; an object that a program has given stays.

        Raises `HooksError`.
        """
        settings = hook_settings(options)
        is_given = self.hooks.last_overriding is not None
        hooks = self.hooks() if is_given else load_hooks(settings)
        return open_hooks(check_hooks(hooks, settings), self.clock(), self.event_log())

    def own_process(self) -> None:
        """Let this server change settings of the whole process: it is a program of its own."""
        self.while_importing.override(providers.Object(short_switch_interval))

    def _provide_world(self, options: Options) -> None:
        """Time, chance, the log, and who may come in."""
        self.while_importing: providers.Provider[Callable[[], AbstractContextManager[None]]] = (
            providers.Object(nullcontext)
        )
        self.clock: providers.Provider[Clock] = providers.Singleton(LoopClock)
        self.entropy: providers.Provider[Entropy] = providers.Singleton(SystemEntropy)
        self.journal: providers.Provider[Journal] = providers.Singleton(Journal, providers.Object(KINDS))
        self.log: providers.Provider[EventLog] = providers.Singleton(
            SwitchableLog, providers.Callable(self.open_log, options)
        )
        self.event_log: providers.Provider[EventLog] = providers.Singleton(
            JournaledLog,
            providers.Singleton(RateLimitedEventLog, self.log, self.clock.provider),
            self.journal,
        )
        self.authenticator: providers.Provider[Authenticator] = providers.Singleton(
            switchable, auth_settings(options), self.event_log.provided.record
        )

        self.hooks: providers.Provider[Hooks | None] = providers.Singleton(load_hooks, hook_settings(options))
        self.checked_hooks: providers.Provider[CheckedHooks | None] = providers.Singleton(
            check_hooks, self.hooks, hook_settings(options)
        )
        self.open_hooks: providers.Provider[OpenHooks | None] = providers.Singleton(
            open_hooks, self.checked_hooks, self.clock, self.event_log
        )
        self.hook_runners: providers.Provider[HookRunners] = providers.Singleton(HookRunners, self.open_hooks)

    def _provide_membership(self, options: Options) -> None:
        """What it takes to belong to a cluster."""
        record = self.event_log.provided.record
        self.dialed_route_tls: providers.Provider[TlsLayers | None] = providers.Singleton(
            tls_layers, providers.Callable(dialed_route_tls, options, record)
        )
        self.dialed_layers = providers.Singleton(layers_of, self.dialed_route_tls, taps=self.taps)
        self.dialer: providers.Provider[Dialer] = providers.Singleton(
            TcpDialer,
            on_failure=providers.Callable(failure_reporter, self.event_log),
            layers=self.dialed_layers,
            scheduler=self.clock,
        )
        self.route_authenticator: providers.Provider[Authenticator] = providers.Singleton(
            switchable, cluster_auth_settings(options), record
        )
        self.membership: providers.Provider[Membership | None] = providers.Object(None)
        if options.cluster.port:
            self.membership = providers.Singleton(
                Membership,
                settings=providers.Object(cluster_settings(options)),
                gatekeeper=self.route_authenticator,
                dialer=self.dialer,
            )

    def _provide_leaves(self, options: Options) -> None:
        """What it takes to have leaf nodes, and to be one."""
        record, own = self.event_log.provided.record, leaf_auth_settings(options)
        self.leaf_tls: providers.Provider[TlsLayers | None] = providers.Singleton(
            tls_layers, providers.Callable(leaf_tls, options, record)
        )
        self.leaf_layers = providers.Singleton(
            layers_of, self.leaf_tls, choice=leaf_choice(options), taps=self.taps
        )
        self.leaf_listener = self._listener(options.leafnodes.host, options.leafnodes.port, self.leaf_layers)
        own_logins: providers.Provider[Authenticator | None] = providers.Object(None)
        if own is not None:
            own_logins = providers.Callable(switchable, own, record)
        self.leaf_gatekeeper: providers.Provider[LeafGatekeeper] = providers.Singleton(
            LeafGatekeeper, self.authenticator, own_logins, leaf_anonymous(options)
        )
        self.remote_needs = providers.Factory(
            RemoteNeeds,
            record,
            providers.Callable(failure_reporter, self.event_log),
            self.clock,
            self.taps,
        )
        self.leaf_remotes = providers.Singleton(open_remotes, options, self.remote_needs)
        self.leaves: providers.Provider[LeafNeeds | None] = providers.Object(None)
        self.leaf_nodes: providers.Provider[LeafNodes | None] = providers.Object(None)
        if has_leaves(options):
            self.leaves = providers.Singleton(
                LeafNeeds,
                listener=providers.Object(leaf_listener_settings(options)),
                remotes=providers.Callable(tuple, self.leaf_remotes),
                gatekeeper=self.leaf_gatekeeper,
                make_nonce=self.entropy.provided.nonce,
                cluster=options.cluster.name or "",
                jetstream=options.stores_streams,
                domain=jetstream_domain(options),
            )
            self.leaf_nodes = providers.Singleton(
                LeafNodes,
                self.leaf_listener,
                options.leafnodes.host,
                options.leafnodes.port,
                self.leaf_remotes,
                self.leaf_gatekeeper,
            )

    def _provide_broker(self, options: Options, make_plane: MakePlane) -> None:
        """The broker, and what those see who only watch."""
        self.make_nonce: providers.Provider[Callable[[], str] | None] = providers.Callable(
            nonce_maker, options, self.entropy
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
                make_nonce=self.make_nonce,
                anonymous=providers.Object(anonymous(options)),
                hooks=providers.Callable(gate_of, self.open_hooks),
                leaves=self.leaves,
            ),
            self.membership,
            compatibility=providers.Object(Compatibility(options.compatibility)),
        )
        self.certificate_dates: providers.Provider[CertificateDates] = providers.Singleton(
            CertificateDates,
            providers.Object(self.dates),
            self.clock,
            self.event_log.provided.record,
        )
        self.view: providers.Provider[BrokerView] = providers.Singleton(LiveView, self.broker)

    def _provide_streams(self, options: Options) -> None:
        """JetStream, if it is on."""
        self.streams_in_memory: providers.Provider[bool] = providers.Object(False)  # noqa: FBT003 - the part itself
        """Whether all streams are kept in memory, also those that are configured otherwise."""
        self.open_storage: providers.Provider[OpenStorage] = providers.Object(open_storage)
        self.streams: providers.Provider[Streams | None] = providers.Object(None)
        if options.stores_streams:
            self.streams = providers.Singleton(
                Streams,
                self.broker,
                providers.Callable(settings_of_streams, options, self.broker, self.streams_in_memory),
                self.open_storage,
                self.clock,
                self.entropy,
            )

    def _provide_listeners(self, options: Options) -> None:
        """Where clients and other servers come in."""
        record = self.event_log.provided.record
        self.client_tls: providers.Provider[TlsLayers | None] = providers.Singleton(
            tls_layers, providers.Callable(client_tls, options, record)
        )
        self.accepted_route_tls: providers.Provider[TlsLayers | None] = providers.Singleton(
            tls_layers, providers.Callable(accepted_route_tls, options, record)
        )
        self.client_layers = providers.Singleton(
            layers_of, self.client_tls, choice=client_choice(options), taps=self.taps
        )
        self.route_layers = providers.Singleton(layers_of, self.accepted_route_tls, taps=self.taps)
        self.listener = self._listener(options.host, options.port, self.client_layers)
        self.route_listener = self._listener(options.cluster.host, options.cluster.port, self.route_layers)
        self.client_listeners: providers.Provider[Sequence[ClientListener]] = providers.Singleton(
            listeners_of,
            providers.Factory(
                ClientListener,
                self.listener,
                options.host,
                options.port,
                tls_required=tls_demanded(options),
                tls_verify=options.tls is not None and options.tls.demands_certificates,
                tls_available=options.tls is not None and not tls_demanded(options),
                tls_first=options.tls is not None and options.tls.handshake_first is True,
            ),
            *self._websocket_listeners(options),
            *self._unix_listeners(options),
        )

    def _websocket_listeners(self, options: Options) -> list[providers.Provider[ClientListener]]:
        """The place for websockets, if there is one. TLS is beneath, so that INFO asks for none."""
        section, record = options.websocket, self.event_log.provided.record
        self.websocket_tls: providers.Provider[TlsLayers | None] = providers.Singleton(
            tls_layers, providers.Callable(websocket_tls, options, record)
        )
        self.websockets = providers.Singleton(
            WebsocketLayers, providers.Callable(websocket_settings, options, record)
        )
        self.websocket_layers = providers.Singleton(
            layers_of, self.websocket_tls, self.websockets, taps=self.taps
        )
        if not section.port:
            return []
        listener = self._listener(section.host, section.port, self.websocket_layers)
        scheme = "ws" if section.no_tls else "wss"
        return [providers.Factory(ClientListener, listener, section.host, section.port, websocket=scheme)]

    def _unix_listeners(self, options: Options) -> list[providers.Provider[ClientListener]]:
        """The unix socket, if there is one; links in one machine need no TLS."""
        settings = unix_socket_settings(options)
        if settings is None:
            return []
        self.unix_listener: providers.Provider[Listener] = providers.Singleton(
            UnixListener,
            settings,
            on_failure=providers.Callable(failure_reporter, self.event_log),
            on_accept_failed=self.event_log.provided.record,
            layers=providers.Callable(layers_of, None, taps=self.taps),
            scheduler=self.clock,
        )
        return [providers.Factory(ClientListener, self.unix_listener, settings.path, 0, unix=True)]

    def _listener(
        self,
        host: str,
        port: int,
        layers: providers.Provider[list[LayerFactory]],
    ) -> providers.Provider[Listener]:
        return providers.Singleton(
            TcpListener,
            host,
            port,
            on_failure=providers.Callable(failure_reporter, self.event_log),
            on_accept_failed=self.event_log.provided.record,
            layers=layers,
            scheduler=self.clock,
        )

    def _provide_monitor(self, options: Options, twin: str, config_file: str) -> None:
        """The pages."""
        self.monitor_endpoints: providers.Provider[Sequence[MonitorEndpoint]] = providers.Singleton(
            monitor_endpoints, options
        )
        self.monitor: providers.Provider[Monitor] = providers.Singleton(
            HttpMonitor,
            self.monitor_endpoints,
            monitor_settings(options, twin, config_file, self.dates),
            providers.Factory(
                MonitorNeeds,
                view=self.view,
                clock=self.clock,
                events=self.event_log,
                journal=self.journal,
                open_socket=providers.Object(listening_socket),
                in_thread=providers.Object(in_own_thread),
                while_importing=self.while_importing,
                streams=providers.Callable(view_of_streams, self.streams),
            ),
        )

    def _provide_service(self, options: Options, twin: str) -> None:
        """All of it, to start and to stop."""
        self.are_descriptors_plenty: providers.Provider[Callable[[], bool]] = providers.Object(
            are_descriptors_plenty
        )
        self.service: providers.Provider[Service] = providers.Singleton(
            Service,
            self.broker,
            providers.Factory(
                Parts,
                listeners=self.client_listeners,
                route_listener=self.route_listener,
                route_authenticator=self.route_authenticator,
                dialer=self.dialer,
                client_urls=providers.Object(partial(client_urls, options)),
                websocket_urls=providers.Object(partial(websocket_urls, options)),
                events=self.event_log,
                authenticator=self.authenticator,
                monitor=self.monitor,
                data_plane=twin,
                streams=self.streams,
                leaf_nodes=self.leaf_nodes,
                are_descriptors_plenty=self.are_descriptors_plenty,
                hooks=self.hook_runners,
            ),
        )
