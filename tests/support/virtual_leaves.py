"""Leaf links in virtual time: one server with scripted peers, or several real brokers.

`LeafBroker` is one server. The other ends of its links are in the hands of the test, which speaks the
protocol by hand. `VirtualLeaves` has several servers on one network.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from app.adapters.auth.authenticators import AllowAll
from app.adapters.clock_manual import ManualClock
from app.adapters.net_memory import MemoryNetwork
from app.adapters.net_memory.network import MemoryDialer
from app.domain.broker_needs import Membership
from app.domain.cluster.route_url import RouteUrl
from app.domain.cluster.settings import ClusterSettings
from app.domain.dataplane.seam import MakePlane
from app.domain.leaf.leaf_url import LeafUrl
from app.domain.leaf.leaves import Leaves
from app.domain.leaf.session import LeafSession
from app.domain.leaf.settings import (
    LeafListenerSettings,
    LeafLogin,
    LeafLoginError,
    LeafNeeds,
    LeafRemote,
    LeafRemoteSettings,
)
from app.domain.limits import Limits
from app.domain.protocol.compatibility import Compatibility
from app.domain.security.credentials import Gatekeeper
from app.domain.sessions.connection import Connection
from app.domain.sessions.wire import Handler, Wire
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.wire import FakeWire
from tests.support.virtual_broker import INFO, BrokerSetup, VirtualBroker, VirtualClient

OWN_ID = "NOWNIDNOWNIDNOWNIDNOWN"
HUB_URL = LeafUrl("10.0.0.7", 7422)
LISTENER = LeafListenerSettings("10.0.0.1", 7422)
REMOTE = LeafRemoteSettings((HUB_URL,))


@dataclass(frozen=True, slots=True)
class LeafDial:
    """One attempt to reach a hub, and the two ways in which it may end."""

    url: LeafUrl
    acceptor: Callable[[Wire], Handler]
    refused: Callable[[str], None]


@dataclass
class ScriptedHubDialer:
    """Records dials; they end as the test says."""

    asked: list[str] = field(default_factory=list)
    pending: list[LeafDial] = field(default_factory=list)
    closed: bool = False

    def dial(self, url: LeafUrl, acceptor: Callable[[Wire], Handler], refused: Callable[[str], None]) -> None:
        """Note it; it ends later."""
        self.asked.append(url.address)
        self.pending.append(LeafDial(url, acceptor, refused))

    def close(self) -> None:
        """Drop pending dials."""
        self.closed = True
        self.pending.clear()

    def refuse(self, reason: str = "connection refused") -> None:
        """End the oldest dial without a link."""
        self.pending.pop(0).refused(reason)

    def news(self) -> list[str]:
        """What was dialled since the last call."""
        news, self.asked = self.asked, []
        return news


@dataclass
class ScriptedLogin:
    """Shows what the test says, or nothing."""

    shown: LeafLogin = field(default_factory=LeafLogin)
    error: str = ""
    nonces: list[str] = field(default_factory=list)

    def login(self, url: LeafUrl, nonce: str) -> LeafLogin:
        """See `LeafCredentials`."""
        del url
        self.nonces.append(nonce)
        if self.error:
            raise LeafLoginError(self.error)
        return self.shown


def leaf_connect_line(name: str = "leaf", **fields: object) -> bytes:
    """The CONNECT of a leaf node, with other or further fields."""
    document = {"version": "2.15.1", "server_id": "NLEAF", "name": name, "cluster": name, "headers": True}
    return b"CONNECT %b\r\n" % json.dumps({**document, "remote_account": "$G", **fields}).encode()


def hub_info_line(**fields: object) -> bytes:
    """The INFO of a hub, with other or further fields."""
    document = {
        "server_id": "NHUB",
        "server_name": "hub",
        "version": "2.15.1",
        "proto": 1,
        "host": "10.0.0.7",
        "port": 7422,
        "headers": True,
        "max_payload": 1048576,
        "client_id": 7,
        "leafnode_urls": ["10.0.0.7:7422"],
    }
    return b"INFO %b\r\n" % json.dumps({**document, **fields}).encode()


class LeafPeer(VirtualClient):
    """The other end of a leaf link, as the test plays it."""

    @property
    def session(self) -> LeafSession:
        """Ours, as long as the link is not lost."""
        session = self.connection.session
        assert isinstance(session, LeafSession)
        return session

    @property
    def is_over(self) -> bool:
        """Whether our side ended the link."""
        return self.wire.is_over


class LeafBroker(VirtualBroker):
    """A server with a port for leaf nodes, and with the remotes that it is given."""

    def __init__(  # noqa: PLR0913 - by name, and all have a default
        self,
        make_plane: MakePlane,
        *remotes: LeafRemoteSettings,
        gatekeeper: Gatekeeper | None = None,
        limits: Limits | None = None,
        login: ScriptedLogin | None = None,
        needs: dict[str, object] | None = None,
        setup: BrokerSetup | None = None,
        events: RecordingEventLog | None = None,
    ) -> None:
        self.dialer = ScriptedHubDialer()
        self.login = login or ScriptedLogin()
        leaves = LeafNeeds(
            LISTENER,
            tuple(LeafRemote(remote, self.dialer, self.login) for remote in remotes),
            gatekeeper or AllowAll(),
            lambda: "a-nonce",
        )
        own = replace(INFO, server_id=OWN_ID, server_name="own")
        setup = setup or BrokerSetup(own, compatibility=Compatibility.CURRENT)
        setup = replace(setup, leaves=replace(leaves, **(needs or {})))  # type: ignore[arg-type] # as the test says
        super().__init__(make_plane, limits, events=events, setup=setup)
        self.leaves.listening_on(7422)
        self.leaves.solicit()

    @property
    def leaves(self) -> Leaves:
        """Its links."""
        assert self.broker.leaves is not None
        return self.broker.leaves

    def called(self, *, opened: bool = True) -> LeafPeer:
        """A leaf node dials us; it has said nothing yet."""
        wire = self.wire()
        return self._peer(self.drive(wire, self.broker.accept_leaf, opened=opened), wire)

    def joined(self, name: str = "leaf", **fields: object) -> LeafPeer:
        """A leaf node that has logged in; what it heard until then is forgotten."""
        peer = self.called()
        peer.ask(leaf_connect_line(name, **fields))
        assert peer.session.established
        return peer

    def answered(self, *, opened: bool = True) -> LeafPeer:
        """The oldest of our dials reaches a hub; it has said nothing yet."""
        dial = self.dialer.pending.pop(0)
        wire = self.wire(dial.url.host)
        return self._peer(self.drive(wire, dial.acceptor, opened=opened), wire)

    def reached(self, **fields: object) -> LeafPeer:
        """The oldest of our dials reaches a hub, and the handshake is over; what it heard is forgotten."""
        peer = self.answered()
        peer.ask(hub_info_line(**fields))
        assert peer.session.established
        return peer

    def _peer(self, connection: Connection, wire: FakeWire) -> LeafPeer:
        peer = LeafPeer(self, connection, wire)
        self.clients.append(peer)
        return peer

    def current(self, **options: object) -> VirtualClient:
        """A client of today, with headers, that has switched off +OK."""
        client = self.connect()
        options = {"verbose": False, "pedantic": False, "headers": True, "protocol": 1} | options
        client.ask(b"CONNECT %b\r\n" % json.dumps(options).encode())
        return client

    @property
    def loop(self) -> bytes:
        """The line by which we would find a loop."""
        return b"LS+ %b\r\n" % self.leaves.loop_subject


class NetworkDialer:
    """Dials leaf ports on a network in memory."""

    def __init__(self, dialer: MemoryDialer) -> None:
        self._dialer = dialer

    def dial(self, url: LeafUrl, acceptor: Callable[[Wire], Handler], refused: Callable[[str], None]) -> None:
        """See `LeafDialer`."""
        self._dialer.dial(url.host, url.port, acceptor, refused)

    def close(self) -> None:
        """See `LeafDialer`."""
        self._dialer.close()


class VirtualLeaves:
    """Servers of ours on one network and one clock: leaf ports from 7001 on, routes from 6001 on."""

    def __init__(self, make_plane: MakePlane) -> None:
        self.clock = ManualClock()
        self.network = MemoryNetwork(self.clock)
        self.servers: list[VirtualBroker] = []
        self._make_plane = make_plane

    def add(self, *hubs: int, routes: tuple[int, ...] = (), cluster: str = "", hub: bool = False) -> int:
        """A server that dials these, and has routes to those; its number, from 1 on."""
        number = len(self.servers) + 1
        remotes = tuple(
            LeafRemote(
                LeafRemoteSettings((LeafUrl("127.0.0.1", 7000 + each),), hub=hub),
                NetworkDialer(self.network.dialer()),
                ScriptedLogin(),
            )
            for each in hubs
        )
        listener = LeafListenerSettings("127.0.0.1", 7000 + number)
        leaves = LeafNeeds(listener, remotes, AllowAll(), lambda: "n", cluster)
        settings = ClusterSettings(
            host="127.0.0.1",
            port=6000 + number,
            routes=tuple(RouteUrl("127.0.0.1", 6000 + each) for each in routes),
        )
        membership = Membership(settings, AllowAll(), self.network.dialer()) if cluster else None
        info = replace(INFO, server_id=f"{number:022}", server_name=f"server-{number}")
        setup = BrokerSetup(
            info, membership, self.clock, seed=number, compatibility=Compatibility.CURRENT, leaves=leaves
        )
        server = VirtualBroker(self._make_plane, events=RecordingEventLog(trace=False), setup=setup)
        self.network.bind("127.0.0.1", 7000 + number, server.broker.accept_leaf)
        if cluster:
            self.network.bind("127.0.0.1", 6000 + number, server.broker.accept_route)
        server.broker.listening_on(4000 + number)
        self.servers.append(server)
        return number

    def start(self) -> None:
        """Let all servers dial, and wait until that is done."""
        for server in self.servers:
            if server.broker.cluster is not None:
                server.broker.cluster.solicit()
            if server.broker.leaves is not None:
                server.broker.leaves.solicit()
        self.advance(3.0)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)
        for server in self.servers:
            server.settle()

    def client(self, number: int, *lines: bytes) -> VirtualClient:
        """A client of today of that server, which has sent these lines."""
        client = self.servers[number - 1].connect()
        client.send(b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n')
        for line in lines:
            client.send(line + b"\r\n")
        self.advance(0.1)
        client.heard()
        return client

    def heard(self, client: VirtualClient) -> bytes:
        """What the client has heard since, once all is at rest."""
        self.advance(0.1)
        return client.heard()
