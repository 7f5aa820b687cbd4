"""Lone messages: stored and answered within the read that brings them, or not at all."""

import pytest

from app.domain.jetstream.streams.answers import RETRY
from app.domain.jetstream.streams.headers import MAX_SUBJECT
from app.domain.jetstream.streams.lone_store import CALM
from tests.fakes.stream_host import FakeReader, Made, config, make

PLAIN = b"NATS/1.0\r\nK: v\r\n\r\n"


def lone(**fields: object) -> Made:
    """A stream whose storage stores at once."""
    made = make(start=True, **fields)
    made.log.is_quickest = True
    return made


def test_it_is_stored_and_answered() -> None:
    """Nothing waits for the end of a turn, and older ones of its subject go."""
    made = lone(max_msgs_per_subject=1)

    assert made.stream.store_lone(b"s.1", b"", b"x", b"_I.1")
    assert made.stream.store_lone(b"s.1", b"", b"y", b"")
    assert [b'{"stream":"S","seq":1}'] == made.outlet.take()
    assert [(2, "s.1", "y")] == made.contents()
    assert ([], 2, True) == (made.log.commits, made.stream.committed, made.stream.commits.is_idle)
    assert '{"stream":"S","seq":3}' == made.ask("s.2")


def test_the_id_of_the_message_before_is_not_that_of_the_last() -> None:
    """What is published with the expectation of it is refused."""
    made = lone()
    made.ask("s.1", headers={"Nats-Msg-Id": "a"})
    assert made.stream.store_lone(b"s.1", b"", b"x", b"")

    assert "10070" in made.ask("s.1", headers={"Nats-Expected-Last-Msg-Id": "a"})


@pytest.mark.parametrize(
    "fields",
    [{"max_msgs": 5}, {"max_age": 10**9}, {"no_ack": True}, {"retention": "interest"}],
    ids=["limit", "age", "no ack", "interest"],
)
def test_rules_are_not_for_lone_messages(fields: dict[str, object]) -> None:
    """A stream that has some takes none so, until it has them no more."""
    made = lone(**fields)
    assert not made.stream.store_lone(b"s.1", b"", b"x", b"_I.1")
    assert 0 == made.log.last
    made.stream.update(config())

    assert made.stream.store_lone(b"s.1", b"", b"x", b"_I.1")
    made.stream.close()
    assert not made.stream.store_lone(b"s.1", b"", b"x", b"_I.1")


@pytest.mark.parametrize(
    ("subject", "headers", "payload"),
    [(b"s.1", PLAIN, b"x"), (b"s.1", b"", b"xxxx"), (b"s." + bytes(MAX_SUBJECT), b"", b"x")],
    ids=["headers", "size", "subject"],
)
def test_messages_that_are_not_plain(subject: bytes, headers: bytes, payload: bytes) -> None:
    """Those with headers, and those that will be refused."""
    made = lone(max_msg_size=3)

    assert not made.stream.store_lone(subject, headers, payload, b"_I.1")
    assert ([], 0) == (made.outlet.sent, made.log.last)


def test_what_waits_is_not_overtaken() -> None:
    """Neither messages that were stored before, nor answers for a slow receiver."""
    made = lone()
    made.publish("s.1")
    assert not made.stream.store_lone(b"s.1", b"", b"x", b"_I.1")
    made.outlet.clock.run_pending()
    made.outlet.congested = (b"_I.",)
    assert made.stream.store_lone(b"s.1", b"", b"x", b"_I.1")
    assert not made.stream.store_lone(b"s.1", b"", b"x", b"_J.1")
    made.outlet.congested = ()
    made.outlet.clock.advance(RETRY)

    assert made.stream.store_lone(b"s.1", b"", b"x", b"_J.1")
    assert [b"1", b"2", b"3"] == [each[-2:-1] for each in made.outlet.take()]


def test_readers_hear_of_it_in_a_turn_of_their_own() -> None:
    """So it is stored in that turn."""
    made = lone()
    made.stream.add_reader(FakeReader())

    assert not made.stream.store_lone(b"s.1", b"", b"x", b"_I.1")


def test_a_storage_that_takes_longer() -> None:
    """The storage says so, and nothing was done."""
    made = make()

    assert not made.stream.store_lone(b"s.1", b"", b"x", b"_I.1")
    assert 0 == made.log.last


def test_limits_of_the_server() -> None:
    """Room is asked for at least every 50 ms, also where the clock was set back."""
    made = lone()
    assert made.stream.store_lone(b"s.1", b"", b"x", b"")
    made.host.over_limit = True
    made.outlet.shift = CALM - 1
    assert made.stream.store_lone(b"s.1", b"", b"x", b"")
    for made.outlet.shift in (CALM, -1):
        assert not made.stream.store_lone(b"s.1", b"", b"x", b"")
    made.host.over_limit = False

    assert made.stream.store_lone(b"s.1", b"", b"x", b"")
    assert 3 == made.log.last
