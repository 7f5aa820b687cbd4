"""Unit tests of messages without payload."""

from app.domain.jetstream.consumers import statuses


def test_the_bytes_of_statuses() -> None:
    """As nats-server writes them."""
    assert b"NATS/1.0 404 No Messages\r\n\r\n" == statuses.NO_MESSAGES
    assert (
        b"NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 3\r\nNats-Pending-Bytes: 0\r\n\r\n"
        == statuses.ended("408 Request Timeout", 3, 0)
    )
    assert (
        b"NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 5\r\nNats-Last-Stream: 6\r\n\r\n"
        == statuses.heartbeat(5, 6)
    )
    assert statuses.heartbeat(1, 2, b"$JS.FC.s.c.x").endswith(b"Nats-Consumer-Stalled: $JS.FC.s.c.x\r\n\r\n")


def test_a_field_is_added_at_the_end() -> None:
    """Of the block that is there, or of a new one."""
    assert b"NATS/1.0\r\nA: 1\r\n\r\n" == statuses.with_field(b"", b"A", b"1")
    assert b"NATS/1.0\r\nB: 2\r\nA: 1\r\n\r\n" == statuses.with_field(b"NATS/1.0\r\nB: 2\r\n\r\n", b"A", b"1")
