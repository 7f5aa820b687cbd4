"""The host of connections and sessions."""

from app.domain.broker import Broker
from app.domain.dataplane.seam import MakePlane
from app.domain.peer_kind import PeerKind
from app.domain.sessions.host import Host
from tests.support.virtual_broker import VirtualBroker


def asked_of(protocol: type) -> list[str]:
    """The public members that a protocol names, those of its bases included."""
    return sorted({name for base in protocol.__mro__ for name in vars(base) if not name.startswith("_")})


def test_the_broker_is_the_host(make_plane: MakePlane) -> None:
    """It has all that is asked of one, and a connection takes it as its own."""
    broker = VirtualBroker(make_plane).broker
    host: Host = broker

    assert isinstance(host, Broker)
    assert [] == [name for name in asked_of(Host) if not hasattr(broker, name)]


def test_what_peers_listen_to_is_asked_for_by_kind(make_plane: MakePlane) -> None:
    """Clients are those that a broker has without more; of a kind without peers there is nothing."""
    server = VirtualBroker(make_plane)
    server.connect().send(b"SUB a 1\r\n")

    held = [list(server.broker.subscriptions_of(kinds)) for kinds in ([PeerKind.CLIENT], [PeerKind.LEAF])]

    assert [[[b"1"]], []] == [[list(one) for one in some] for some in held]
