"""The publish rate of a user: a connection waits for what its user owes, and nothing is lost."""

from collections.abc import Mapping

import pytest

from app.domain.connection_type import ConnectionType
from app.domain.dataplane.seam import MakePlane
from app.domain.rates import PublishRate
from app.domain.security.credentials import Identity
from app.domain.sessions.publish_meter import PublishMeter
from tests.fakes.authenticator import ManualAuthenticator
from tests.support.virtual_broker import QUIET, BrokerSetup, VirtualBroker, VirtualClient


def broker(make_plane: MakePlane, rate: PublishRate | None) -> VirtualBroker:
    """One whose clients are all the same user."""
    anonymous: Mapping[ConnectionType, Identity] = {ConnectionType.STANDARD: Identity("u", publish_rate=rate)}
    return VirtualBroker(make_plane, gatekeeper=ManualAuthenticator(), setup=BrokerSetup(anonymous=anonymous))


def connected(server: VirtualBroker) -> VirtualClient:
    """A client that is in."""
    client = server.connect()
    client.send(QUIET)
    return client


@pytest.mark.parametrize("rate", [PublishRate(messages=10), PublishRate(payload=10)])
def test_all_arrives_at_the_rate(make_plane: MakePlane, rate: PublishRate) -> None:
    """A burst passes, then the connection is not read until its user owes nothing; the other waits too."""
    server = broker(make_plane, rate)
    listener, first, second = (connected(server) for _ in range(3))
    listener.send(b"SUB a 1\r\n")
    message = b"PUB a 1\r\nx\r\n"
    first.send(message * 30)
    waits = [first.connection.waiting]
    second.send(message)
    second.send(message)
    for seconds in (1.5, 10.0):
        server.advance(seconds)
        waits.append(first.connection.waiting)

    assert [True, True, False] == waits
    assert 32 == listener.heard().count(b"MSG a 1 1")
    assert b"PONG\r\n" == first.ask(b"PING\r\n")


def test_one_that_leaves_meanwhile(make_plane: MakePlane) -> None:
    """It is let go, whatever it owes."""
    server = broker(make_plane, PublishRate(messages=1))
    client = connected(server)
    client.send(b"PUB a 0\r\n\r\n" * 100)
    client.leave()
    server.advance(2.0)

    assert 0 == len(server.broker.sessions)
    assert not client.connection.waiting


def test_it_costs_nothing_without_a_rate(make_plane: MakePlane) -> None:
    """A connection whose user has no rate has no meter, and a rate that is gone is gone."""
    server = broker(make_plane, None)
    client = connected(server)
    meters = [client.connection.meter]
    session = server.broker.sessions[client.connection.cid]
    session.reauthorize(Identity("u", publish_rate=PublishRate(messages=5)))
    meters.append(client.connection.meter)
    session.reauthorize(Identity("u", publish_rate=PublishRate(messages=5)))
    meters.append(client.connection.meter)
    session.reauthorize(Identity("u"))
    meters.append(client.connection.meter)

    assert [type(None), PublishMeter, PublishMeter, type(None)] == [type(meter) for meter in meters]
    assert meters[1] is meters[2]
