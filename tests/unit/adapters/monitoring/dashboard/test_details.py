"""Details: the one client, or the one subject, that a reader has opened."""

from app.adapters.monitoring.dashboard.details import MOST_LISTED, open_client, open_subject
from app.adapters.monitoring.dashboard.findings import STEP, Findings, Look, compare
from app.domain.security import Security
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


def findings(*subscriptions: SubscriptionStats) -> Findings:
    """What came of a look at these, and at a client for each."""
    clients = [client(one.number, f"c{one.number}") for one in subscriptions]
    return finished(compare(None, Look(1.0, clients, subscriptions)))


def test_an_opened_client() -> None:
    """A client shows what it listens to, who it is and what it moved."""
    broker = MonitoredBroker()
    broker.connect("billing", "orders.*", "mail").ask(b"PUB mail 3\r\nabc\r\n")
    broker.server.advance(5.0)
    [cid] = broker.server.broker.connections

    document = finished(open_client(broker.view, cid))

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

    document = finished(open_client(watched.view, 7))

    assert document is not None
    assert ("TLSv1.3, TLS_AES_128_GCM_SHA256", "alice") == (document["tls"], document["user"])


def test_a_client_that_has_left() -> None:
    """Who is not here any more is told apart from who never was asked for."""
    assert None is finished(open_client(MonitoredBroker().view, 99))
    assert None is finished(open_client(Watched().view, 0))


def test_a_client_with_very_many_subscriptions() -> None:
    """The list is bounded, and what is not listed is not looked at."""
    broker = MonitoredBroker()
    broker.connect("", *(f"s.{number}" for number in range(2 * MOST_LISTED)))
    [cid] = broker.server.broker.connections

    document = finished(open_client(broker.view, cid))

    assert document is not None
    listed = document["subscriptions"]
    assert isinstance(listed, list)
    assert (2 * MOST_LISTED, MOST_LISTED) == (document["subs"], len(listed))


def test_an_opened_subject() -> None:
    """A subject shows who listens to it, the busiest first."""
    found = findings(subscription(1, "a", 3), subscription(2, "b", 9), subscription(3, "a", 4))

    document = finished(open_subject(found, "a"))

    assert document is not None
    assert ("a", 2, 7, None) == tuple(document[name] for name in ("subject", "subs", "delivered", "rate"))
    listed = document["subscriptions"]
    assert isinstance(listed, list)
    assert [("c3", 4), ("c1", 3)] == [(row["name"], row["delivered"]) for row in listed]


def test_a_subject_that_nobody_listens_to() -> None:
    """A subject whose subscribers have left is empty, and no error."""
    document = finished(open_subject(findings(), "gone"))

    assert {"subject": "gone", "subs": 0, "delivered": 0, "rate": None, "subscriptions": []} == document
    assert None is finished(open_subject(findings(), ""))


def test_a_subject_with_very_many_subscribers() -> None:
    """The list is bounded, all are counted, and messages can pass meanwhile."""
    found = findings(*(subscription(cid, "a", cid) for cid in range(2 * STEP)))

    pauses, document = counted(open_subject(found, "a"))

    assert document is not None
    listed = document["subscriptions"]
    assert isinstance(listed, list)
    assert (2 * STEP, MOST_LISTED, 4) == (document["subs"], len(listed), pauses)
    assert 2 * STEP - 1 == listed[0]["cid"]
