"""The composition root: which adapter serves which port, and with which options.

Each part is a method, see `app.entrypoints.part`: a server pays for what it has. To replace one,
override it before `service` is made:

    container.listener.override(providers.Object(my_listener))

To add an adapter, add a line here and nothing elsewhere.

What a plain server does without is imported by the part that needs it, and so before the server serves.
"""

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ..adapters.logs.destinations import warn
from ..adapters.monitoring.no_monitor import NoMonitor
from ..adapters.net_asyncio.dialer import TcpDialer
from ..adapters.net_asyncio.kept_links import KeptLinks
from ..adapters.net_asyncio.listener import TcpListener
from ..adapters.net_asyncio.tls_layer import TlsLayers
from ..adapters.process.descriptors import are_descriptors_plenty
from ..adapters.process.event_loop import ExitTimer
from ..adapters.process.own_thread import in_own_thread
from ..adapters.process.service_manager import ServiceManager
from ..domain.broker import Broker
from ..domain.broker_needs import Membership, Needs
from ..domain.leaf.settings import LeafNeeds, LeafRemote
from ..domain.protocol.compatibility import Compatibility
from ..ports.authenticator import Authenticator
from ..ports.layers import LayerFactory
from ..ports.monitor import Monitor
from ..ports.transport import Dialer, Listener
from .certificate_dates import CertificateDates
from .part import part
from .service import ClientListener, MeshParts, Parts, Service
from .settings import (
    accepted_route_tls,
    anonymous,
    client_choice,
    client_tls,
    client_urls,
    cluster_auth_settings,
    cluster_settings,
    dialed_route_tls,
    has_leaves,
    jetstream_domain,
    limits,
    nonce_maker,
    server_info,
    tls_demanded,
    unix_socket_settings,
    websocket_tls,
    websocket_urls,
)
from .streams import OpenStorage, Streams, open_storage
from .wiring import (
    failure_reporter,
    gate_of,
    layers_of,
    settings_of_streams,
    switchable,
    tls_layers,
    view_of_streams,
)
from .world import World

if TYPE_CHECKING:
    from ..adapters.auth.leaf_gatekeeper import LeafGatekeeper
    from ..adapters.monitoring.monitor import MonitorEndpoint
    from ..adapters.net_asyncio.websocket_layer import WebsocketLayers
    from ..ports.broker_view import BrokerView
    from .leaf_nodes import LeafNodes
    from .leaf_remotes import RemoteNeeds


class Container(World):
    """The parts of one server, made on demand, once each."""

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
        from .leaf_settings import leaf_tls  # noqa: PLC0415 - see the head of the module

        return tls_layers(leaf_tls(self._first, self.event_log().record))

    @part
    def leaf_layers(self) -> list[LayerFactory]:
        from .leaf_settings import leaf_choice  # noqa: PLC0415 - see the head of the module

        return layers_of(self.leaf_tls(), choice=leaf_choice(self._first), taps=self.taps())

    @part
    def leaf_listener(self) -> Listener:
        section = self._first.leafnodes
        return self._listener(section.host, section.port, self.leaf_layers())

    @part
    def leaf_gatekeeper(self) -> "LeafGatekeeper":
        from ..adapters.auth.leaf_gatekeeper import LeafGatekeeper  # noqa: PLC0415 - see the head of the module
        from .leaf_settings import leaf_anonymous, leaf_auth_settings  # noqa: PLC0415 - see the head of the module

        own = leaf_auth_settings(self._first)
        own_logins = None if own is None else switchable(own, self.event_log().record)
        return LeafGatekeeper(self.authenticator(), own_logins, leaf_anonymous(self._first))

    @part
    def remote_needs(self) -> "RemoteNeeds":
        from .leaf_remotes import RemoteNeeds  # noqa: PLC0415 - see the head of the module

        events = self.event_log()
        return RemoteNeeds(events.record, failure_reporter(events), self.clock(), self.taps())

    @part
    def leaf_remotes(self) -> list[LeafRemote]:
        from .leaf_remotes import open_remotes  # noqa: PLC0415 - see the head of the module

        return open_remotes(self._first, self.remote_needs())

    @part
    def leaves(self) -> LeafNeeds | None:
        options = self._first
        if not has_leaves(options):
            return None
        from .leaf_settings import leaf_listener_settings  # noqa: PLC0415 - see the head of the module

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
    def leaf_nodes(self) -> "LeafNodes | None":
        section = self._first.leafnodes
        if not has_leaves(self._first):
            return None
        from .leaf_nodes import LeafNodes  # noqa: PLC0415 - see the head of the module

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
        clock = self.clock()
        return Broker(
            limits(options),
            server_info(options, entropy, gatekeeper),
            Needs(
                make_plane=self._make_plane,
                seed=entropy.seed(),
                scheduler=clock,
                gatekeeper=gatekeeper,
                events=self.event_log(),
                make_nonce=self.make_nonce(),
                anonymous=anonymous(options),
                hooks=gate_of(self.open_hooks()),
                wall=(lambda: round(clock.time() * 1e9)) if options.compatibility == "current" else None,
                leaves=self.leaves(),
            ),
            self.membership(),
            compatibility=Compatibility(options.compatibility),
        )

    @part
    def certificate_dates(self) -> CertificateDates:
        return CertificateDates(self.dates, self.clock(), self.event_log().record)

    @part
    def view(self) -> "BrokerView":
        from ..domain.monitoring.view import LiveView  # noqa: PLC0415 - see the head of the module

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
        return self._listener(
            self._first.host, self._first.port, self.client_layers(), keep=self.kept_links().keep
        )

    @part
    def kept_links(self) -> KeptLinks:
        """None is kept unless the program says that its process ends."""
        return KeptLinks(ExitTimer)

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
    def websockets(self) -> "WebsocketLayers":
        from ..adapters.net_asyncio.websocket_layer import WebsocketLayers  # noqa: PLC0415 - see the head of the module
        from .websocket_settings import websocket_settings  # noqa: PLC0415 - the same

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
        from ..adapters.net_asyncio.unix_listener import UnixListener  # noqa: PLC0415 - see the head of the module

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

    def _listener(
        self,
        host: str,
        port: int,
        layers: list[LayerFactory],
        *,
        keep: Callable[[int], bool] | None = None,
    ) -> Listener:
        events = self.event_log()
        return TcpListener(
            host,
            port,
            on_failure=failure_reporter(events),
            on_accept_failed=events.record,
            layers=layers,
            scheduler=self.clock(),
            keep=keep,
        )

    # --- the pages --------------------------------------------------------------------------

    @part
    def monitor_endpoints(self) -> "Sequence[MonitorEndpoint]":
        if self._first.http is None and self._first.https is None:
            return ()
        from .monitor_settings import monitor_endpoints  # noqa: PLC0415 - see the head of the module

        return monitor_endpoints(self._first)

    @part
    def monitor(self) -> Monitor:
        endpoints = self.monitor_endpoints()
        if not endpoints:
            return NoMonitor()
        from ..adapters.monitoring.monitor import HttpMonitor, MonitorNeeds  # noqa: PLC0415 - see the head of the module
        from ..adapters.net_asyncio.listening_socket import listening_socket  # noqa: PLC0415 - see the head of the module
        from .monitor_settings import monitor_settings  # noqa: PLC0415 - see the head of the module

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
