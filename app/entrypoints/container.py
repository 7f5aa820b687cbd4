"""The composition root: which adapter serves which port, and with which options.

Each part is a method, see `app.entrypoints.part`: a server pays for what it has. To replace one,
override it before `service` is made:

    container.listener.override(providers.Object(my_listener))

To add an adapter, add a line here and nothing elsewhere.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import cast

from ..adapters.auth.leaf_doors import LeafGatekeeper
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
from ..adapters.monitoring.no_monitor import NoMonitor
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
from ..domain.leaf.settings import LeafNeeds, LeafRemote
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
from .part import Provider, part
from .service import ClientListener, MeshParts, Parts, Service
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
        self.fell_back = data_plane == AUTO and twin != NATIVE
        """Whether the native twin would have been taken, were it built."""
        self._make_plane: MakePlane = make_plane
        self._first = options
        """Those of the start, which parts are made with."""

    def use(self, name: str, replacement: object) -> None:
        """Have this one in place of what the part `name` would be; before `service` is made."""
        provider: Provider[object] = getattr(self, name)
        provider.override(replacement)

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

    def own_process(self) -> None:
        """Let this server change settings of the whole process: it is a program of its own."""
        self.use("while_importing", short_switch_interval)

    # --- the world: time, chance, the log, and who may come in ---------------------------

    @part
    def while_importing(self) -> Callable[[], AbstractContextManager[None]]:
        """What is entered while modules are imported in a thread."""
        return nullcontext

    @part
    def clock(self) -> Clock:
        return LoopClock()

    @part
    def entropy(self) -> Entropy:
        return SystemEntropy()

    @part
    def taps(self) -> Sequence[LayerFactory]:
        """Further layers of every link, next to the wire."""
        return ()

    @part
    def journal(self) -> Journal:
        return Journal(KINDS)

    @part
    def log(self) -> EventLog:
        opened = self.open_log(self._first)
        return SwitchableLog(cast("EventLog", opened))  # who has none has another part here

    @part
    def event_log(self) -> EventLog:
        return JournaledLog(RateLimitedEventLog(self.log(), self.clock), self.journal())

    @part
    def authenticator(self) -> Authenticator:
        return switchable(auth_settings(self._first), self.event_log().record)

    @part
    def hooks(self) -> Hooks | None:
        return load_hooks(hook_settings(self._first))

    @part
    def checked_hooks(self) -> CheckedHooks | None:
        return check_hooks(self.hooks(), hook_settings(self._first))

    @part
    def open_hooks(self) -> OpenHooks | None:
        checked = self.checked_hooks()
        return None if checked is None else open_hooks(checked, self.clock(), self.event_log())

    @part
    def hook_runners(self) -> HookRunners:
        return HookRunners(self.open_hooks())

    # --- what it takes to belong to a cluster -----------------------------------------------

    @part
    def accepted_route_tls(self) -> TlsLayers | None:
        return tls_layers(accepted_route_tls(self._first, self.event_log().record))

    @part
    def dialed_route_tls(self) -> TlsLayers | None:
        return tls_layers(dialed_route_tls(self._first, self.event_log().record))

    @part
    def route_layers(self) -> list[LayerFactory]:
        return layers_of(self.accepted_route_tls(), taps=self.taps())

    @part
    def dialed_layers(self) -> list[LayerFactory]:
        return layers_of(self.dialed_route_tls(), taps=self.taps())

    @part
    def dialer(self) -> Dialer:
        return TcpDialer(
            on_failure=failure_reporter(self.event_log()),
            layers=self.dialed_layers(),
            scheduler=self.clock(),
        )

    @part
    def route_listener(self) -> Listener:
        section = self._first.cluster
        return self._listener(section.host, section.port, self.route_layers())

    @part
    def route_authenticator(self) -> Authenticator:
        return switchable(cluster_auth_settings(self._first), self.event_log().record)

    @part
    def mesh(self) -> MeshParts | None:
        if not self._first.cluster.port:
            return None
        return MeshParts(self.route_listener(), self.route_authenticator(), self.dialer())

    @part
    def membership(self) -> Membership | None:
        if not self._first.cluster.port:
            return None
        return Membership(
            settings=cluster_settings(self._first),
            gatekeeper=self.route_authenticator(),
            dialer=self.dialer(),
        )

    # --- what it takes to have leaf nodes, and to be one ------------------------------------

    @part
    def leaf_tls(self) -> TlsLayers | None:
        return tls_layers(leaf_tls(self._first, self.event_log().record))

    @part
    def leaf_layers(self) -> list[LayerFactory]:
        return layers_of(self.leaf_tls(), choice=leaf_choice(self._first), taps=self.taps())

    @part
    def leaf_listener(self) -> Listener:
        section = self._first.leafnodes
        return self._listener(section.host, section.port, self.leaf_layers())

    @part
    def leaf_gatekeeper(self) -> LeafGatekeeper:
        own = leaf_auth_settings(self._first)
        own_logins = None if own is None else switchable(own, self.event_log().record)
        return LeafGatekeeper(self.authenticator(), own_logins, leaf_anonymous(self._first))

    @part
    def remote_needs(self) -> RemoteNeeds:
        events = self.event_log()
        return RemoteNeeds(events.record, failure_reporter(events), self.clock(), self.taps())

    @part
    def leaf_remotes(self) -> list[LeafRemote]:
        return open_remotes(self._first, self.remote_needs())

    @part
    def leaves(self) -> LeafNeeds | None:
        options = self._first
        if not has_leaves(options):
            return None
        return LeafNeeds(
            listener=leaf_listener_settings(options),
            remotes=tuple(self.leaf_remotes()),
            gatekeeper=self.leaf_gatekeeper(),
            make_nonce=self.entropy().nonce,
            cluster=options.cluster.name or "",
            jetstream=options.stores_streams,
            domain=jetstream_domain(options),
        )

    @part
    def leaf_nodes(self) -> LeafNodes | None:
        section = self._first.leafnodes
        if not has_leaves(self._first):
            return None
        return LeafNodes(
            self.leaf_listener(), section.host, section.port, self.leaf_remotes(), self.leaf_gatekeeper()
        )

    # --- the broker, and what those see who only watch --------------------------------------

    @part
    def make_nonce(self) -> Callable[[], str] | None:
        return nonce_maker(self._first, self.entropy())

    @part
    def broker(self) -> Broker:
        options, entropy, gatekeeper = self._first, self.entropy(), self.authenticator()
        return Broker(
            limits(options),
            server_info(options, entropy, gatekeeper),
            Needs(
                make_plane=self._make_plane,
                seed=entropy.seed(),
                scheduler=self.clock(),
                gatekeeper=gatekeeper,
                events=self.event_log(),
                make_nonce=self.make_nonce(),
                anonymous=anonymous(options),
                hooks=gate_of(self.open_hooks()),
                leaves=self.leaves(),
            ),
            self.membership(),
            compatibility=Compatibility(options.compatibility),
        )

    @part
    def certificate_dates(self) -> CertificateDates:
        return CertificateDates(self.dates, self.clock(), self.event_log().record)

    @part
    def view(self) -> BrokerView:
        return LiveView(self.broker())

    # --- JetStream, if it is on -------------------------------------------------------------

    @part
    def streams_in_memory(self) -> bool:
        """Whether all streams are kept in memory, also those that are configured otherwise."""
        return False

    @part
    def open_storage(self) -> OpenStorage:
        return open_storage

    @part
    def streams(self) -> Streams | None:
        options = self._first
        if not options.stores_streams:
            return None
        broker = self.broker()
        settings = settings_of_streams(options, broker, self.streams_in_memory())
        return Streams(broker, settings, self.open_storage(), self.clock(), self.entropy())

    # --- where clients and other servers come in --------------------------------------------

    @part
    def client_tls(self) -> TlsLayers | None:
        return tls_layers(client_tls(self._first, self.event_log().record))

    @part
    def client_layers(self) -> list[LayerFactory]:
        return layers_of(self.client_tls(), choice=client_choice(self._first), taps=self.taps())

    @part
    def listener(self) -> Listener:
        return self._listener(self._first.host, self._first.port, self.client_layers())

    @part
    def client_listeners(self) -> Sequence[ClientListener]:
        """Where clients come in; add a line here for one more."""
        options = self._first
        first = ClientListener(
            self.listener(),
            options.host,
            options.port,
            tls_required=tls_demanded(options),
            tls_verify=options.tls is not None and options.tls.demands_certificates,
            tls_available=options.tls is not None and not tls_demanded(options),
            tls_first=options.tls is not None and options.tls.handshake_first is True,
        )
        return [first, *self._websocket_listeners(), *self._unix_listeners()]

    @part
    def websocket_tls(self) -> TlsLayers | None:
        """TLS is beneath, so that INFO asks for none."""
        return tls_layers(websocket_tls(self._first, self.event_log().record))

    @part
    def websockets(self) -> WebsocketLayers:
        return WebsocketLayers(websocket_settings(self._first, self.event_log().record))

    @part
    def websocket_layers(self) -> list[LayerFactory]:
        return layers_of(self.websocket_tls(), self.websockets(), taps=self.taps())

    def _websocket_listeners(self) -> list[ClientListener]:
        """The place for websockets, if there is one."""
        section = self._first.websocket
        if not section.port:
            return []
        listener = self._listener(section.host, section.port, self.websocket_layers())
        scheme = "ws" if section.no_tls else "wss"
        return [ClientListener(listener, section.host, section.port, websocket=scheme)]

    @part
    def unix_listener(self) -> Listener | None:
        """Links in one machine need no TLS."""
        settings = unix_socket_settings(self._first)
        if settings is None:
            return None
        events = self.event_log()
        return UnixListener(
            settings,
            on_failure=failure_reporter(events),
            on_accept_failed=events.record,
            layers=layers_of(None, taps=self.taps()),
            scheduler=self.clock(),
        )

    def _unix_listeners(self) -> list[ClientListener]:
        """The unix socket, if there is one."""
        path, listener = self._first.unix_socket.path or "", self.unix_listener()
        return [] if listener is None else [ClientListener(listener, path, 0, unix=True)]

    def _listener(self, host: str, port: int, layers: list[LayerFactory]) -> Listener:
        events = self.event_log()
        return TcpListener(
            host,
            port,
            on_failure=failure_reporter(events),
            on_accept_failed=events.record,
            layers=layers,
            scheduler=self.clock(),
        )

    # --- the pages --------------------------------------------------------------------------

    @part
    def monitor_endpoints(self) -> Sequence[MonitorEndpoint]:
        return monitor_endpoints(self._first)

    @part
    def monitor(self) -> Monitor:
        endpoints = self.monitor_endpoints()
        if not endpoints:
            return NoMonitor()
        return HttpMonitor(
            endpoints,
            monitor_settings(self._first, self.data_plane, self.config_file, self.dates),
            MonitorNeeds(
                view=self.view(),
                clock=self.clock(),
                events=self.event_log(),
                journal=self.journal(),
                open_socket=listening_socket,
                in_thread=in_own_thread,
                while_importing=self.while_importing(),
                streams=view_of_streams(self.streams()),
            ),
        )

    # --- all of it, to start and to stop ----------------------------------------------------

    @part
    def are_descriptors_plenty(self) -> Callable[[], bool]:
        return are_descriptors_plenty

    @part
    def service_manager(self) -> ServiceManager:
        return ServiceManager(os.environ, warn)

    @part
    def service(self) -> Service:
        options = self._first
        return Service(
            self.broker(),
            Parts(
                listeners=self.client_listeners(),
                mesh=self.mesh(),
                client_urls=partial(client_urls, options),
                websocket_urls=partial(websocket_urls, options),
                events=self.event_log(),
                authenticator=self.authenticator(),
                monitor=self.monitor(),
                data_plane=self.data_plane,
                streams=self.streams(),
                leaf_nodes=self.leaf_nodes(),
                are_descriptors_plenty=self.are_descriptors_plenty(),
                hooks=self.hook_runners(),
            ),
        )
