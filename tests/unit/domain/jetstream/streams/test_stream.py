"""Unit tests of a stream as a whole: answers, failures, recovery, its end."""

import json

import pytest

from app.domain.jetstream.storage.seam import StorageFailure
from app.domain.jetstream.streams.rules import SECOND
from app.domain.jetstream.streams.stream import Stream
from tests.fakes.stream_host import BEGIN, FakeHost, FakeReader, HeldStorage, Made, config, make


def test_what_it_is_can_be_asked() -> None:
    """Its name, its size, what is set aside for it, and an identity of this very stream."""
    made = make(max_bytes=1000)
    made.ask("s.1", "x")
    stream = made.stream

    assert ("S", 20, 1000) == (stream.name, stream.size, stream.reserved)
    assert 0 == make().stream.reserved
    other = Stream(config(), HeldStorage(), made.host, created=BEGIN + 1)
    assert stream.identity != other.identity
    assert 8 == len(stream.identity)


def test_thousands_of_acks_come_in_order() -> None:
    """However many are outstanding, refusals among them."""
    made = make()
    for number in range(5000):
        made.publish("s.1", reply=f"_I.{number}")
        if number % 1000 == 0:
            made.publish("s.1", headers={"Nats-Expected-Stream": "T"}, reply=f"_I.x{number}")
    made.outlet.clock.run_pending()

    acks = [json.loads(each.payload) for each in made.outlet.sent]
    assert list(range(1, 5001)) == [each["seq"] for each in acks if "error" not in each]
    assert [b"_I.0", b"_I.x0", b"_I.1"] == [each.subject for each in made.outlet.sent[:3]]
    assert 1 == len([each for each in acks[:2] if "error" in each])


def test_an_ack_names_the_domain() -> None:
    """If the server has one."""
    host = FakeHost()
    host.domain = "hub"

    assert '{"stream":"S","domain":"hub","seq":1}' == make(host).ask("s.1")


def test_nothing_is_visible_to_readers_before_it_is_safe() -> None:
    """Acks come first, then the readers."""
    made = make()
    reader = FakeReader()
    made.stream.add_reader(reader)
    made.log.holds = True
    made.publish("s.1")
    made.stream.end_turn()
    assert ([], 0) == (reader.heard, made.stream.committed)
    made.log.let_go()

    assert ([("stored", 1)], 1) == (reader.heard, made.stream.committed)
    assert 1 == len(made.outlet.sent)


def test_a_failed_commit_is_answered_and_forgotten() -> None:
    """The id is free again, what a limit removed is back, and publishing goes on with the next room."""
    made = make(max_msgs_per_subject=1, allow_msg_ttl=True)
    reader = FakeReader()
    made.ask("s.1", "old", {"Nats-Msg-Id": "a"})
    made.stream.add_reader(reader)
    made.log.holds = True
    made.publish("s.1", "new", {"Nats-Msg-Id": "b", "Nats-TTL": "1s"})
    made.stream.end_turn()
    made.log.let_go(StorageFailure.FULL)
    (refusal,) = made.outlet.take()

    assert {
        "error": {"code": 503, "err_code": 10077, "description": "no space left on device"},
        "stream": "S",
        "seq": 0,
    } == json.loads(refusal)
    assert [(1, "s.1", "old")] == made.contents()
    assert ("purged", 1) == reader.heard[-1]
    made.log.holds = False
    headers = {"Nats-Msg-Id": "b", "Nats-Expected-Last-Msg-Id": "a"}
    assert '{"stream":"S","seq":2}' == made.ask("s.2", "new", headers)
    made.outlet.clock.advance(5)
    assert [1, 2] == made.sequences()


def test_too_much_may_not_wait() -> None:
    """Publishes beyond the bound are refused, with a status for clients that look at it."""
    made = make()
    assert not made.stream.must_wait()
    made.stream.commits.max_messages = 1
    assert made.stream.must_wait()
    made.publish("s.1")
    made.publish("s.1")
    (busy,) = made.outlet.sent

    assert busy.headers == b"NATS/1.0 429 Too Many Requests\r\n\r\n"
    assert 10167 == json.loads(busy.payload)["error"]["err_code"]
    made.outlet.clock.run_pending()
    assert 1 == made.log.last


def test_ids_and_ttls_are_known_after_a_restart() -> None:
    """Ids within the window, TTLs that count while nobody was there, and the last id."""
    host, storage = FakeHost(), HeldStorage()
    made = make(host, storage, allow_msg_ttl=True)
    made.ask("s.1", headers={"Nats-Msg-Id": "old"})
    host.outlet.clock.advance(121)
    made.ask("s.2", headers={"Nats-Msg-Id": "new", "Nats-TTL": "20s"})
    made.ask("s.3", headers={"Nats-TTL": "never"})
    made.ask("s.4", headers={"Nats-Msg-Id": "last", "Nats-TTL": "x"})
    made.ask("s.4", headers={"A": "b"})
    made.ask("s.5", headers={"Nats-Msg-Id": "last"})
    storage.log.damaged.add(3)
    made.stream.close()
    host.outlet.clock.advance(15)
    again = make(host, storage, allow_msg_ttl=True)

    headers = {"Nats-Expected-Last-Msg-Id": "last", "Nats-Msg-Id": "new"}
    assert '{"stream":"S","seq":2,"duplicate": true}' == again.ask("s.6", headers=headers)
    assert '{"stream":"S","seq":6}' == again.ask("s.6", headers={"Nats-Msg-Id": "old"})
    host.outlet.clock.advance(5)
    assert 2 not in again.sequences()


def test_age_counts_while_nobody_is_there() -> None:
    """What ended meanwhile goes at the start."""
    host, storage = FakeHost(), HeldStorage()
    made = make(host, storage, max_age=10 * SECOND)
    made.ask("s.1")
    host.outlet.clock.advance(5)
    made.ask("s.2")
    made.stream.close()
    host.outlet.clock.advance(6)

    assert [2] == make(host, storage, max_age=10 * SECOND).sequences()


def test_the_end_of_a_stream_is_the_end_of_its_readers() -> None:
    """Nothing is left, and what was under way is not announced any more."""
    made = make()
    reader = FakeReader()
    made.stream.add_reader(reader)
    made.log.holds = True
    made.publish("s.1")
    made.stream.end_turn()
    outcomes: list[object] = []
    made.stream.end()
    made.stream.storage.delete(outcomes.append)
    made.log.let_go()

    assert [("deleted", 0)] == reader.heard
    assert [None] == outcomes
    assert {} == made.stream.readers


def test_readers_come_and_go() -> None:
    """Consumers are counted, feeds are not."""
    made = make()
    made.stream.add_reader(FakeReader("a"))
    made.stream.add_feed(FakeReader("feed"))
    assert ["a"] == list(made.stream.readers)
    made.stream.remove_feed("feed")
    made.stream.remove_reader("a")
    made.ask("s.1")

    assert {} == made.stream.readers


def test_doubled_acks_wait_for_the_log() -> None:
    """What a consumer wrote is safe when it is called, in one commit with the messages."""
    made = make()
    made.log.holds = True
    outcomes: list[object] = []
    made.publish("s.1")
    made.stream.after_commit(outcomes.append)
    made.outlet.clock.run_pending()
    assert ([], 1) == (outcomes, len(made.log.commits))
    assert not made.log.commits[0][1]
    made.log.let_go()

    assert [None] == outcomes


def is_quiet(made: Made) -> bool:
    """Whether nothing is outstanding."""
    return not made.outlet.clock.timers_outstanding and not made.outlet.clock.calls_pending


def test_an_idle_stream_costs_no_timer() -> None:
    """Neither a new one nor one with plain messages."""
    made = make()
    made.ask("s.1")

    assert is_quiet(made)


def test_a_message_alone_is_stored_and_answered_at_once() -> None:
    """If its storage has it at once; readers hear of it, and later ones go on from there."""
    made = make(max_msgs_per_subject=1)
    reader = FakeReader()
    made.stream.add_reader(reader)
    made.log.is_quick = True
    made.stream.store_alone(b"s.1", b"", b"x", b"_I.1")
    made.stream.store_alone(b"s.1", b"NATS/1.0\r\nK: v\r\n\r\n", b"y", b"")

    assert [(b"_I.1", b'{"stream":"S","seq":1}')] == [
        (each.subject, each.payload) for each in made.outlet.sent
    ]
    assert [("stored", 1), ("removed", 1), ("stored", 2)] == reader.heard
    assert [] == made.log.commits
    assert made.stream.commits.is_idle
    made.outlet.take()
    assert '{"stream":"S","seq":3}' == made.ask("s.1")


def test_a_message_alone_is_stored_in_one_step() -> None:
    """If its storage can; the time of the one before holds if the clock went back."""
    made = make(max_msgs_per_subject=1)
    made.log.is_quickest = True
    made.stream.store_alone(b"s.1", b"", b"x", b"_I.1")
    time = made.log.last_time
    made.outlet.shift = -1_000_000_000
    made.stream.store_alone(b"s.1", b"NATS/1.0\r\n\r\n", b"y", b"")
    made.stream.store_alone(b"s.2", b"NATS/1.0\r\nK: v\r\n\r\n", b"z", b"_I.3")

    assert [b'{"stream":"S","seq":1}', b'{"stream":"S","seq":3}'] == made.outlet.take()
    assert [] == made.log.commits
    assert (2, 2, 3) == (made.log.first, made.log.count, made.stream.committed)
    second = made.log.read(2)
    assert second is not None
    assert (b"", time) == (second.headers, second.time)
    assert '{"stream":"S","seq":4}' == made.ask("s.1")


@pytest.mark.parametrize(
    ("payload", "room", "over_limit"),
    [(b"xxxx", None, False), (b"x", 0, False), (b"x", None, True)],
    ids=["size", "account", "server"],
)
def test_a_message_alone_that_may_be_refused_goes_the_long_way(
    payload: bytes, room: int | None, *, over_limit: bool
) -> None:
    """All limits are asked before, and what they say is said there."""
    made = make(max_msg_size=3)
    made.log.is_quickest = True
    made.host.room, made.host.over_limit = room, over_limit
    made.stream.store_alone(b"s.1", b"", payload, b"_I.1")
    made.stream.store_alone(b"s.1", b"NATS/1.0\r\nK: %b\r\n\r\n" % bytes(70_000), b"", b"_I.1")

    assert [True, True] == [b"error" in each for each in made.outlet.take()]
    assert 0 == made.log.last


def test_readers_hear_of_what_goes_with_a_message_alone() -> None:
    """So it goes the longer way where they may hear of its end."""
    made = make(max_msgs_per_subject=1)
    reader = FakeReader()
    made.stream.add_reader(reader)
    made.log.is_quickest = made.log.is_quick = True
    made.stream.store_alone(b"s.1", b"", b"x", b"")
    made.stream.store_alone(b"s.1", b"", b"y", b"")

    assert [("stored", 1), ("removed", 1), ("stored", 2)] == reader.heard


def test_a_message_alone_waits_for_a_storage_that_takes_longer() -> None:
    """It is committed at the end of the turn as others are."""
    made = make()
    made.log.holds = True
    made.stream.store_alone(b"s.1", b"", b"x", b"_I.1")
    made.outlet.clock.run_pending()

    assert [] == made.outlet.sent
    made.log.is_quick = True
    made.stream.store_alone(b"s.1", b"", b"x", b"_I.2")
    made.outlet.clock.run_pending()
    assert [] == made.outlet.sent
    made.log.let_go()
    made.outlet.clock.run_pending()
    made.log.let_go()
    assert [b"_I.1", b"_I.2"] == [each.subject for each in made.outlet.sent]


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({}, b"NATS/1.0\r\nNats-Msg-Id: 1\r\n\r\n"),
        ({"max_msgs": 1}, b""),
        ({"max_age": 1_000_000_000}, b""),
        ({"no_ack": True}, b""),
    ],
    ids=["special field", "limit", "age", "no ack"],
)
def test_a_message_alone_keeps_all_rules(fields: dict[str, object], headers: bytes) -> None:
    """What a rule concerns takes the long way."""
    made = make(start=True, **fields)
    made.log.is_quick = made.log.holds = True
    made.stream.store_alone(b"s.1", headers, b"x", b"_I.1")
    made.outlet.clock.run_pending()

    assert [] == made.outlet.sent
    assert 1 == len(made.log.commits)
    made.log.let_go()
    assert ([] if fields.get("no_ack") else [b"_I.1"]) == [each.subject for each in made.outlet.sent]


def test_a_message_alone_that_is_refused_is_answered_at_once() -> None:
    """Nothing waits, and nothing was stored."""
    made = make()
    made.host.over_limit = True
    made.stream.store_alone(b"s.1", b"", b"x", b"_I.1")

    assert [10023] == [json.loads(each.payload)["error"]["err_code"] for each in made.outlet.sent]
    assert 0 == made.log.last
