"""Unit tests of copies of stored messages (jetstream-streams.md, section 3)."""

from app.domain.jetstream.storage.seam import StorageFailure
from tests.fakes.stream_host import Sent, make

TIME = b"2026-11-18T11:06:40Z"


def test_copies_say_where_they_come_from() -> None:
    """They leave when the message is safe, with the previous sequence of the subject."""
    made = make(republish={"src": "s.>", "dest": "r.>"})
    made.log.holds = True
    made.publish("s.1", "a", {"X": "y"})
    made.outlet.clock.run_pending()
    assert [] == made.outlet.published
    made.log.let_go()
    made.publish("s.1", "b")
    made.outlet.clock.run_pending()
    made.log.let_go()

    assert [
        Sent(
            b"r.1",
            b"a",
            b"NATS/1.0\r\nX: y\r\nNats-Stream: S\r\nNats-Subject: s.1\r\nNats-Sequence: 1\r\n"
            b"Nats-Time-Stamp: %b\r\nNats-Last-Sequence: 0\r\n\r\n" % TIME,
        ),
        Sent(
            b"r.1",
            b"b",
            b"NATS/1.0\r\nNats-Stream: S\r\nNats-Subject: s.1\r\nNats-Sequence: 2\r\n"
            b"Nats-Time-Stamp: %b\r\nNats-Last-Sequence: 1\r\n\r\n" % TIME,
        ),
    ] == made.outlet.published


def test_copies_may_be_headers_alone() -> None:
    """Then the size of the payload is named."""
    made = make(republish={"src": "s.*", "dest": "r.$1", "headers_only": True})
    made.ask("s.1", "abc")

    (copy,) = made.outlet.published
    assert copy.payload == b""
    assert b"Nats-Msg-Size: 3\r\n\r\n" in copy.headers


def test_what_does_not_match_is_not_copied() -> None:
    """Neither is a message that is gone at once, or that could not be stored."""
    made = make(republish={"src": "s.1", "dest": "r"}, max_bytes=50)
    made.ask("s.2")
    made.ask("s.1", "x" * 100)

    assert [] == made.outlet.published


def test_what_is_not_safe_is_not_copied() -> None:
    """A copy of a message that was taken back would be a lie."""
    made = make(republish={"src": "s.*", "dest": "r.$1"})
    made.log.holds = True
    made.publish("s.1")
    made.outlet.clock.run_pending()
    made.log.let_go(StorageFailure.FULL)

    assert [] == made.outlet.published
