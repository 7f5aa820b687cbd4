"""Unit tests of consumer info."""

from tests.fakes.jetstream import SECOND

from .harness import Harness


def test_a_new_consumer() -> None:
    """All fields, in the order of the answers."""
    harness = Harness()
    harness.publish(5)
    harness.create(max_waiting=3)
    config = {
        "durable_name": "C",
        "name": "C",
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "ack_wait": 30 * SECOND,
        "max_deliver": -1,
        "replay_policy": "instant",
        "max_waiting": 3,
        "max_ack_pending": 1000,
        "num_replicas": 0,
    }
    expected = {
        "stream_name": "S",
        "name": "C",
        "created": "2016-11-24T15:06:40Z",
        "config": config,
        "delivered": {"consumer_seq": 0, "stream_seq": 0},
        "ack_floor": {"consumer_seq": 0, "stream_seq": 0},
        "num_ack_pending": 0,
        "num_redelivered": 0,
        "num_waiting": 0,
        "num_pending": 5,
        "ts": "2016-11-24T15:06:40Z",
    }
    assert list(expected.items()) == list(harness.info.items())


def test_what_happened_last() -> None:
    """Deliveries and acks have their times."""
    harness = Harness()
    harness.publish()
    harness.create()
    harness.advance(1)
    (message,) = harness.fetch()
    harness.advance(1)
    harness.ack(message)
    assert [
        {"consumer_seq": 1, "stream_seq": 1, "last_active": "2016-11-24T15:06:41Z"},
        {"consumer_seq": 1, "stream_seq": 1, "last_active": "2016-11-24T15:06:42Z"},
    ] == [harness.info["delivered"], harness.info["ack_floor"]]


def test_clients_that_went_do_not_wait() -> None:
    """The count is exact."""
    harness = Harness()
    harness.create()
    harness.outlet.subscribe("gone")
    harness.ask("gone")
    harness.ask()
    assert 2 == harness.count("num_waiting")
    harness.outlet.unsubscribe("gone")
    assert 1 == harness.count("num_waiting")


def test_a_paused_consumer() -> None:
    """How long it will be."""
    harness = Harness()
    harness.create(deliver_subject="_INBOX.d")
    harness.consumer.pause(harness.outlet.wall() + 3 * SECOND)
    info = harness.info
    assert (True, True, 3 * SECOND, 0) == (
        info["push_bound"],
        info["paused"],
        info["pause_remaining"],
        info["num_waiting"],
    )


def test_a_group_without_a_pin() -> None:
    """Its name, and the time that means none."""
    harness = Harness()
    harness.create(priority_policy="pinned_client", priority_groups=["g"])
    assert [{"group": "g", "pinned_ts": "0001-01-01T00:00:00Z"}] == harness.info["priority_groups"]
