"""Rows of the subscriptions of one peer."""

from collections.abc import Iterable

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.monitoring.subscription_rows import BATCH, listed_rows, row_batches
from app.domain.sessions.client import ClientSession
from app.domain.stats import SubscriptionStats
from app.domain.steps import Step
from tests.support.steps import finished
from tests.support.virtual_broker import VirtualBroker, VirtualClient

COUNT = 2 * BATCH + 1
"""Subscriptions of the client."""


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> VirtualBroker:
    """A broker in virtual time."""
    return VirtualBroker(make_plane)


@pytest.fixture(name="client")
def _client(server: VirtualBroker) -> VirtualClient:
    """A client whose subscriptions fill two batches and begin a third."""
    client = server.connect(quiet=True)
    client.send(b"".join(b"SUB a%d %d\r\n" % (i, i) for i in range(COUNT)))
    return client


@pytest.fixture(name="session")
def _session(server: VirtualBroker, client: VirtualClient) -> ClientSession:
    """The session of that client."""
    (session,) = server.broker.sessions.values()
    assert session.connection is client.connection
    return session


def subjects(rows: Iterable[SubscriptionStats]) -> list[str]:
    """What each row is about."""
    return [one.subject for one in rows]


def test_all_rows(session: ClientSession) -> None:
    """All rows come at once, or those of the asked part."""
    all_rows = finished(listed_rows(session, Step()))
    some = finished(listed_rows(session, Step(), slice(3, 5)))

    assert [f"a{i}" for i in range(COUNT)] == subjects(all_rows)
    assert ["a3", "a4"] == subjects(some)


def test_batches(session: ClientSession, client: VirtualClient) -> None:
    """Rows come a batch at a time; what is gone by then, or came later, is left out."""
    batches = row_batches(session)

    first = next(batches)
    client.send(b"UNSUB %d\r\nSUB new new\r\n" % BATCH)
    rest = [subjects(batch) for batch in batches]

    assert [f"a{i}" for i in range(BATCH)] == subjects(first)
    assert [[f"a{i}" for i in range(BATCH + 1, 2 * BATCH)], [f"a{2 * BATCH}"]] == rest


def test_batches_end_with_the_client(session: ClientSession, client: VirtualClient) -> None:
    """A client that leaves ends its list."""
    batches = row_batches(session)
    next(batches)

    client.leave()

    assert [] == list(batches)
