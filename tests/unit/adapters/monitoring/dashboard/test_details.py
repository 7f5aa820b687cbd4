"""Details of one client, or of one subject."""

from app.adapters.monitoring.dashboard.details import MAX_LISTED, client_details, subject_details
from app.adapters.monitoring.dashboard.snapshot import ROWS_PER_STEP, RawSnapshot, Snapshot, with_rates
from app.domain.security.link_security import Security
from app.ports.broker_view import ClientStats, ConnectionStats, Profile, SubscriptionStats, Traffic
from tests.fakes.broker_view import Watched
from tests.support.monitored_broker import MonitoredBroker
from tests.support.steps import counted, finished


def client(cid: int, name: str) -> ClientStats:
    """A client of this name."""
    link = ConnectionStats(cid, "192.0.2.1", 4000 + cid, 0.0, 0.0, 0, Traffic(0, 0, 0, 0))
    return ClientStats(link, Profile(name, "go", "1.2", ""), 1)


def subscription(cid: int, subject: str, delivered: int) -> SubscriptionStats:
    """A subscription with this number of deliveries."""
    return SubscriptionStats(subject, "", str(cid), delivered, 0, cid)


def snapshot(*subscriptions: SubscriptionStats) -> Snapshot:
    """A snapshot of these, and of a client for each."""
    clients = [client(one.number, f"c{one.number}") for one in subscriptions]
    return finished(with_rates(None, RawSnapshot(1.0, clients, subscriptions)))


def test_an_opened_client() -> None:
    """A client shows what it listens to, who it is and what it moved."""
    broker = MonitoredBroker()
    broker.connect("billing", "orders.*", "mail").ask(b"PUB mail 3\r\nabc\r\n")
    broker.server.advance(5.0)
    [cid] = broker.server.broker.sessions

    document = finished(client_details(broker.view, cid))

    assert document is not None
    assert ("billing", 1, 5.0, "", "") == tuple(
        document[name] for name in ("name", "msgs_to", "uptime", "user", "tls")
    )
    assert [
        {"cid": cid, "sid": "1", "subject": "orders.*", "queue": "", "delivered": 0, "limit": 0},
        {"cid": cid, "sid": "2", "subject": "mail", "queue": "", "delivered": 1, "limit": 0},
    ] == document["subscriptions"]


def test_a_protected_client() -> None:
    """TLS shows with its version and cipher suite, and a login with its user."""
    watched = Watched()
    link = ConnectionStats(
        7, "::1", 1, 0.0, 0.0, 0, Traffic(0, 0, 0, 0), Security("TLSv1.3", "TLS_AES_128_GCM_SHA256")
    )
    watched.view.clients = [ClientStats(link, Profile("a", "", "", "alice"), 0)]

    document = finished(client_details(watched.view, 7))

    assert document is not None
    assert ("TLSv1.3, TLS_AES_128_GCM_SHA256", "alice") == (document["tls"], document["user"])


def test_a_client_that_has_left() -> None:
    """A client that has left differs from no client at all."""
    assert None is finished(client_details(MonitoredBroker().view, 99))
    assert None is finished(client_details(Watched().view, 0))


def test_a_client_with_very_many_subscriptions() -> None:
    """The list is bounded, and only listed subscriptions are read."""
    broker = MonitoredBroker()
    broker.connect("", *(f"s.{number}" for number in range(2 * MAX_LISTED)))
    [cid] = broker.server.broker.sessions

    document = finished(client_details(broker.view, cid))

    assert document is not None
    listed = document["subscriptions"]
    assert isinstance(listed, list)
    assert (2 * MAX_LISTED, MAX_LISTED) == (document["subs"], len(listed))


def test_an_opened_subject() -> None:
    """A subject shows who listens to it, the busiest first."""
    found = snapshot(subscription(1, "a", 3), subscription(2, "b", 9), subscription(3, "a", 4))

    document = finished(subject_details(found, "a"))

    assert document is not None
    assert ("a", 2, 7, None) == tuple(document[name] for name in ("subject", "subs", "delivered", "rate"))
    listed = document["subscriptions"]
    assert isinstance(listed, list)
    assert [("c3", 4), ("c1", 3)] == [(row["name"], row["delivered"]) for row in listed]


def test_a_subject_that_nobody_listens_to() -> None:
    """A subject whose subscribers have left is empty, and no error."""
    document = finished(subject_details(snapshot(), "gone"))

    assert {"subject": "gone", "subs": 0, "delivered": 0, "rate": None, "subscriptions": []} == document
    assert None is finished(subject_details(snapshot(), ""))


def test_a_subject_with_very_many_subscribers() -> None:
    """The list is bounded, all are counted, and messages can pass meanwhile."""
    found = snapshot(*(subscription(cid, "a", cid) for cid in range(2 * ROWS_PER_STEP)))

    pauses, document = counted(subject_details(found, "a"))

    assert document is not None
    listed = document["subscriptions"]
    assert isinstance(listed, list)
    assert (2 * ROWS_PER_STEP, MAX_LISTED, 4) == (document["subs"], len(listed), pauses)
    assert 2 * ROWS_PER_STEP - 1 == listed[0]["cid"]
