"""Servers of a cluster in virtual time: one with scripted peers, or several real brokers.

`RoutedBroker` is one server. Its peers are in the hands of the test, which speaks
the route protocol by hand. `VirtualCluster` has several servers on one network.
"""

import json
from dataclasses import replace
from typing import ClassVar

from app.adapters.auth.authenticators import AllowAll
from app.adapters.clock_manual import ManualClock
from app.adapters.net_memory import MemoryNetwork
from app.domain.broker_needs import Membership
from app.domain.cluster.cluster import Cluster
from app.domain.cluster.route_dialer import Dialer
from app.domain.cluster.route_session import RouteSession
from app.domain.cluster.route_url import RouteUrl
from app.domain.cluster.settings import ClusterSettings
from app.domain.dataplane.seam import MakePlane
from app.domain.hooks.gate import HookCaller, HookTerms
from app.domain.leaf.settings import LeafNeeds
from app.domain.limits import Limits
from app.domain.protocol.compatibility import Compatibility
from app.domain.security.credentials import Gatekeeper
from app.domain.sessions.connection import Connection
from tests.fakes.dialer import ScriptedDialer
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.wire import ADDRESS, FakeWire
from tests.support.broker_stats import stats_of
from tests.support.virtual_broker import INFO, BrokerSetup, VirtualBroker, VirtualClient

OWN_ID = "MMMMMMMMMMMMMMMMMMMMMM"
SMALLER_ID = "AAAAAAAAAAAAAAAAAAAAAA"
GREATER_ID = "ZZZZZZZZZZZZZZZZZZZZZZ"
ROUTE_PORT = 6222
SETTINGS = ClusterSettings(host="10.0.0.1", port=ROUTE_PORT)


def info_line(server_id: str, port: int = 7222, **fields: object) -> bytes:
    """The INFO of a peer in gnatsd's form, with other or further fields."""
    document: dict[str, object] = {
        "server_id": server_id,
        "version": "0.8.0",
        "go": "",
        "host": "0.0.0.0",  # noqa: S104 - a text
        "port": port,
        "auth_required": False,
        "ssl_required": False,
        "tls_required": False,
        "tls_verify": False,
        "max_payload": 1048576,
    }
    return b"INFO %b\r\n" % json.dumps(document | fields, separators=(",", ":")).encode()


def connect_line(server_id: str, **fields: object) -> bytes:
    """The CONNECT of a server that dials us."""
    document: dict[str, object] = {"verbose": False, "pedantic": False, "tls_required": False}
    return b"CONNECT %b\r\n" % json.dumps({**document, "name": server_id, **fields}).encode()


class VirtualPeer(VirtualClient):
    """Another server, as the test plays it."""

    def introduce(self, server_id: str, port: int = 7222, **fields: object) -> bytes:
        """Send INFO, and hear."""
        return self.ask(info_line(server_id, port, **fields))

    @property
    def session(self) -> RouteSession:
        """Its route, as long as the link is not lost."""
        session = self.connection.session
        assert isinstance(session, RouteSession)
        return session

    @property
    def is_over(self) -> bool:
        """Whether our side ended the link."""
        return self.wire.is_over


class RoutedBroker(VirtualBroker):
    """A server that belongs to a cluster; `dialer` records what it dials."""

    compatibility: ClassVar[Compatibility] = Compatibility.GNATSD

    def __init__(  # noqa: PLR0913 - by name, and all have a default
        self,
        make_plane: MakePlane,
        settings: ClusterSettings = SETTINGS,
        *,
        limits: Limits | None = None,
        route_gatekeeper: Gatekeeper | None = None,
        events: RecordingEventLog | None = None,
        hooks: tuple[HookTerms, HookCaller] | None = None,
        leaves: LeafNeeds | None = None,
    ) -> None:
        self.dialer = ScriptedDialer()
        membership = Membership(settings, route_gatekeeper or AllowAll(), self.dialer)
        own = replace(INFO, server_id=OWN_ID)
        setup = BrokerSetup(own, membership, compatibility=self.compatibility, hooks=hooks, leaves=leaves)
        super().__init__(make_plane, limits, events=events, setup=setup)

    @property
    def cluster(self) -> Cluster:
        """Its routes."""
        assert self.broker.cluster is not None
        return self.broker.cluster

    @property
    def subscriptions(self) -> int:
        """How many subscriptions are known here, those of other servers included."""
        return stats_of(self.broker).subscriptions.num_subscriptions

    def called(self, *, opened: bool = True, ip: str = ADDRESS) -> VirtualPeer:
        """A server dials us; it has said nothing yet."""
        wire = self.wire(ip)
        return self._peer(self.drive(wire, self.broker.accept_route, opened=opened), wire)

    def answered(self, *, opened: bool = True) -> VirtualPeer:
        """The oldest of our dials reaches a server; it has said nothing yet."""
        dial = self.dialer.pending.pop(0)
        wire = self.wire(dial.host)
        return self._peer(self.drive(wire, dial.acceptor, opened=opened), wire)

    def _peer(self, connection: Connection, wire: FakeWire) -> VirtualPeer:
        peer = VirtualPeer(self, connection, wire)
        self.clients.append(peer)
        return peer

    def joined(self, server_id: str, port: int = 7222, *, ip: str = ADDRESS, **fields: object) -> VirtualPeer:
        """A server that dialled us and is registered; what it heard until then is forgotten."""
        peer = self.called(ip=ip)
        peer.introduce(server_id, port, **fields)
        assert self.cluster.remotes[server_id] is peer.session
        peer.heard()
        return peer

    def reached(self, server_id: str, port: int = 7222, **fields: object) -> VirtualPeer:
        """The oldest of our dials reaches a server and is registered; what it heard is forgotten."""
        peer = self.answered()
        peer.introduce(server_id, port, **fields)
        assert self.cluster.remotes[server_id] is peer.session
        peer.heard()
        return peer


class RoutedBrokerOfToday(RoutedBroker):
    """The same, with all that servers and clients of today understand."""

    compatibility: ClassVar[Compatibility] = Compatibility.CURRENT


class VirtualCluster:
    """Servers of ours on one network and one clock, on ports from 6001 on of 127.0.0.1."""

    def __init__(self, make_plane: MakePlane) -> None:
        self.clock = ManualClock()
        self.network = MemoryNetwork(self.clock)
        self.servers: list[VirtualBroker] = []
        self._make_plane = make_plane

    def add(
        self, *routes: int, user: str = "", password: str = "", gatekeeper: Gatekeeper | None = None
    ) -> VirtualBroker:
        """A server that listens, and that has these ports for routes; it has dialled nobody yet."""
        number = len(self.servers) + 1
        settings = ClusterSettings(
            host="127.0.0.1",
            port=6000 + number,
            user=user,
            password=password,
            routes=tuple(RouteUrl("127.0.0.1", port, user, password) for port in routes),
        )
        dialer: Dialer = self.network.dialer()
        membership = Membership(settings, gatekeeper or AllowAll(), dialer)
        setup = BrokerSetup(replace(INFO, server_id=f"{number:022}"), membership, self.clock, seed=number)
        server = VirtualBroker(self._make_plane, events=RecordingEventLog(trace=False), setup=setup)
        self.network.bind("127.0.0.1", 6000 + number, server.broker.accept_route)
        server.broker.listening_on(4000 + number, (f"127.0.0.1:{4000 + number}",))
        self.servers.append(server)
        return server

    def solicit(self) -> None:
        """Let all servers dial."""
        for server in self.servers:
            assert server.broker.cluster is not None
            server.broker.cluster.solicit()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)
        for server in self.servers:
            server.settle()

    def mesh(self) -> list[tuple[int, int]]:
        """All routes that somebody has registered, by the numbers of both servers."""
        pairs = []
        for number, server in enumerate(self.servers, 1):
            assert server.broker.cluster is not None
            pairs += [(number, int(remote)) for remote in server.broker.cluster.remotes]
        return sorted(pairs)

    def links(self) -> int:
        """Ends of routes that live, registered or not."""
        return sum(len(s.broker.cluster.routes) for s in self.servers if s.broker.cluster is not None)
