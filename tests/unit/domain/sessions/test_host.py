"""The host of connections and sessions."""

import pytest

from app.domain.broker import Broker
from app.domain.dataplane.seam import MakePlane
from app.domain.sessions.connection import Connection
from app.domain.sessions.host import Host
from app.domain.sessions.peer import PeerSession
from app.domain.sessions.session import Session
from tests.fakes.virtual_broker import VirtualBroker


def asked_of(protocol: type) -> list[str]:
    """The public members that a protocol names, those of its bases included."""
    return sorted({name for base in protocol.__mro__ for name in vars(base) if not name.startswith("_")})


def test_the_broker_is_the_host(make_plane: MakePlane) -> None:
    """It has all that is asked of one, and a connection takes it as its own."""
    broker = VirtualBroker(make_plane).broker
    host: Host[Connection] = broker

    assert isinstance(host, Broker)
    assert [] == [name for name in asked_of(Host) if not hasattr(broker, name)]


@pytest.mark.parametrize("name", asked_of(Session))
def test_a_peer_session_is_a_session(name: str) -> None:
    """What a connection asks of its session is there for every kind of peer."""
    assert hasattr(PeerSession, name)
