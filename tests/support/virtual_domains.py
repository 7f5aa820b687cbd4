"""Two domains in virtual time: a hub and a leaf, each with streams, and the link between them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from app.adapters.auth.authenticators import AllowAll
from app.adapters.clock_manual import ManualClock
from app.adapters.net_memory import MemoryNetwork
from app.adapters.streams_memory.storage import MemoryStorage
from app.domain.broker import Broker
from app.domain.dataplane.seam import MakePlane
from app.domain.jetstream.hosting.catalogue import Storages
from app.domain.jetstream.service import JetStream, JetStreamNeeds
from app.domain.jetstream.settings import JetStreamSettings
from app.domain.jetstream.streams.stream import Stream
from app.domain.leaf.leaf_url import LeafUrl
from app.domain.leaf.settings import LeafListenerSettings, LeafNeeds, LeafRemote, LeafRemoteSettings
from app.domain.protocol.compatibility import Compatibility
from app.domain.sessions.wire import Handler, Wire
from app.ports.transport import Address
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_broker import INFO, BrokerSetup, VirtualBroker, VirtualClient
from tests.support.virtual_leaves import NetworkDialer, ScriptedLogin

CONNECT = b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nSUB _I.> 1\r\n'
HUB = Address("127.0.0.1", 7001)


class VirtualDomain:
    """A server with streams of a domain; it may end, and begin again with what was stored."""

    def __init__(
        self, domain: str, make_plane: MakePlane, clock: ManualClock, network: MemoryNetwork
    ) -> None:
        self.domain = domain
        self.storage = MemoryStorage()
        self._make_plane = make_plane
        self._clock = clock
        self._network = network
        self._names = 0
        self._asked = 0
        self.begin()

    def begin(self) -> None:
        """Start."""
        remote = LeafRemoteSettings((LeafUrl(HUB.host, HUB.port),))
        dialled = LeafRemote(remote, NetworkDialer(self._network.dialer()), ScriptedLogin())
        remotes = (dialled,) if self.domain == "LEAF" else ()
        listener = LeafListenerSettings(HUB.host, HUB.port)
        leaves = LeafNeeds(listener, remotes, AllowAll(), lambda: "n", jetstream=True, domain=self.domain)
        info = replace(INFO, server_id=f"{self.domain:022}", server_name=self.domain)
        seed, current = len(self.domain), Compatibility.CURRENT
        setup = BrokerSetup(info, clock=self._clock, seed=seed, compatibility=current, leaves=leaves)
        events = self.events = RecordingEventLog(trace=False)
        self.server = VirtualBroker(self._make_plane, events=events, setup=setup)
        settings = JetStreamSettings(server_name=self.domain, domain=self.domain)
        storages = Storages(self.storage, MemoryStorage())
        needs = JetStreamNeeds(self.server.broker, storages, self.wall, self._identifier)
        self.jetstream = JetStream(settings, needs)
        for _ in self.jetstream.recover():
            pass
        self.jetstream.begin()
        if self.broker.leaves is not None:
            self.broker.leaves.solicit()
        self.client: VirtualClient = self.server.connect()
        self.client.ask(CONNECT)

    def end(self) -> None:
        """Stop; what is stored stays."""
        self.jetstream.stop()
        self.broker.shutdown(lambda: None)

    @property
    def broker(self) -> Broker:
        """The server."""
        return self.server.broker

    def wall(self) -> int:
        """The time, in nanoseconds."""
        return round(self._clock.time() * 1e9)

    def _identifier(self) -> str:
        self._names += 1
        return f"{self.domain[0]}{self._names:07}"

    def ask(self, call: str, document: Mapping[str, object] | None = None) -> dict[str, object]:
        """Make a request of the API; its answer."""
        payload = b"" if document is None else json.dumps(document).encode()
        heard = self.raw(f"$JS.API.{call}", payload)
        answer: dict[str, object] = json.loads(heard.split(b"\r\n", 1)[1])
        return answer

    def raw(self, subject: str, payload: bytes = b"") -> bytes:
        """Make a request; all that the client heard of it."""
        self._asked += 1
        self.client.heard()
        self.client.send(
            b"PUB %b _I.%d %d\r\n%b\r\n" % (subject.encode(), self._asked, len(payload), payload)
        )
        self.server.advance(0.001)
        return self.client.heard()

    def make(self, name: str, **fields: object) -> dict[str, object]:
        """Make a stream."""
        return self.ask(f"STREAM.CREATE.{name}", {"name": name, **fields})

    def stream(self, name: str) -> Stream:
        """One that is there."""
        return self.jetstream.catalogue.find(name).stream

    def status(self, name: str) -> dict[str, object]:
        """What STREAM.INFO says of the mirror, or of the first source."""
        feeds = self.stream(name).feeds
        found = feeds.mirror_json()
        return found if found is not None else feeds.sources_json()[0]

    def contents(self, name: str) -> list[tuple[int, str, str]]:
        """Sequences, subjects and payloads of what is there."""
        log, found = self.stream(name).log, []
        sequence = log.next(1)
        while sequence:
            message = log.read(sequence)
            assert message is not None
            found.append((sequence, message.subject.decode(), message.payload.decode()))
            sequence = log.next(sequence + 1)
        return found


class VirtualDomains:
    """A hub with the domain HUB, and a leaf of it with the domain LEAF."""

    def __init__(self, make_plane: MakePlane) -> None:
        self.clock = ManualClock()
        self.network = MemoryNetwork(self.clock)
        self._wires: list[Wire] = []
        self.is_cut = False
        self.hub = VirtualDomain("HUB", make_plane, self.clock, self.network)
        self._listen()
        self.leaf = VirtualDomain("LEAF", make_plane, self.clock, self.network)
        self.advance(3.0)

    def _listen(self) -> None:
        self.network.bind(HUB.host, HUB.port, partial(self._accept, self.hub))

    def _accept(self, hub: VirtualDomain, wire: Wire) -> Handler:
        self._wires.append(wire)
        return hub.broker.accept_leaf(wire)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)
        for domain in (self.hub, self.leaf):
            domain.server.settle()

    def cut(self) -> None:
        """Lose the link; it cannot be made again until `heal`."""
        if not self.is_cut:
            self.is_cut = True
            self.network.unbind(HUB)
            self._lose()

    def _lose(self) -> None:
        wires, self._wires = self._wires, []
        for wire in wires:
            wire.abort()
        self.advance(0.001)

    def heal(self) -> None:
        """Let the link be made again."""
        if self.is_cut:
            self.is_cut = False
            self._listen()

    def restart(self, domain: VirtualDomain) -> None:
        """End a server, and begin it again on what it stored."""
        was_cut = self.is_cut
        self.cut()
        domain.end()
        self.advance(0.001)
        domain.begin()
        if not was_cut:
            self.heal()
