"""Messages in a row are stored as they would be one by one, whatever the limits are."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.jetstream.storage.seam import StorageFailure
from app.domain.jetstream.streams.stream import SINGLY
from app.domain.jetstream.streams.writer import MOST
from tests.fakes.stream_host import FakeHost, FakeReader, Made, Sent, make
from tests.support.runs import Published, run_of

BLOCK = b"NATS/1.0\r\nK: v\r\n\r\n"
IDS = [b"NATS/1.0\r\nNats-Msg-Id: %d\r\n\r\n" % each for each in range(1, 9)]

LIMITS: dict[str, dict[str, object]] = {
    "open": {},
    "few": {"max_msgs": 5},
    "small": {"max_bytes": 150},
    "short": {"max_msg_size": 20},
    "subjects": {"max_msgs_per_subject": 2},
    "values": {"max_msgs_per_subject": 1},
    "all": {"max_msgs_per_subject": 2, "max_msgs": 4, "max_bytes": 200},
    "new": {"discard": "new", "max_msgs": 4},
    "new by subject": {"discard": "new", "discard_new_per_subject": True, "max_msgs_per_subject": 2},
    "interest": {"retention": "interest"},
    "work queue": {"retention": "workqueue"},
    "aged": {"max_age": 5 * 10**9},
    "changed": {"subject_transform": {"src": "s.>", "dest": "t.>"}},
    "copied": {"republish": {"src": "s.>", "dest": "r.>"}},
    "silent": {"no_ack": True},
    "atomic": {"allow_atomic": True},
    "no window": {"duplicate_window": 0},
}

MESSAGES = st.lists(
    st.tuples(
        st.sampled_from([b"s.1", b"s.2", b"s.3"]),
        st.sampled_from([b"", b"", BLOCK, *IDS]),
        st.sampled_from([b"", b"x", b"y" * 30]),
        st.sampled_from([b"", b"_I.1", b"_I.2"]),
    ),
    min_size=1,
    max_size=12,
)


def made_with(limits: dict[str, object], messages: list[Published], *, in_a_row: bool) -> Made:
    """A stream that has these messages."""
    made = make(None, None, start=True, **limits)
    made.stream.add_reader(FakeReader("c", filters=(b"s.1", b"s.2")))
    if in_a_row:
        made.stream.store_run(run_of(messages))
    else:
        for message in messages:
            made.stream.store(*message)
    made.outlet.clock.run_pending()
    return made


def outcome(made: Made) -> tuple[object, ...]:
    """All that can be seen of it."""
    reader = made.stream.readers["c"]
    assert isinstance(reader, FakeReader)
    return (
        made.contents(),
        made.log.size,
        made.log.last,
        made.outlet.sent,
        made.outlet.published,
        reader.heard,
    )


@pytest.mark.parametrize("name", LIMITS)
def test_each_limit_holds_for_runs(name: str) -> None:
    """More messages than any of the limits allows, on some subjects more than on others."""
    messages = [(b"s.%d" % min(each, 3), b"", b"%d" % each, b"_I.%d" % each) for each in range(1, 10)]
    one, other = (made_with(LIMITS[name], messages, in_a_row=each) for each in (False, True))

    assert outcome(one) == outcome(other)


@given(name=st.sampled_from(sorted(LIMITS)), messages=MESSAGES, later=MESSAGES)
def test_runs_and_single_messages_do_the_same(
    name: str, messages: list[Published], later: list[Published]
) -> None:
    """Contents, answers, what readers hear, and what comes later."""
    one, other = (made_with(LIMITS[name], messages, in_a_row=each) for each in (False, True))
    assert outcome(one) == outcome(other)
    for message in later:
        one.stream.store(*message)
    other.stream.store_run(run_of(later))
    for each in (one, other):
        each.outlet.clock.run_pending()

    assert outcome(one) == outcome(other)


def test_ids_in_a_run() -> None:
    """They are remembered, also that of the last message; one that is known is answered as such."""
    made = make()
    ids = [(b"s.1", block, b"x", b"_I.1") for block in IDS]
    made.stream.store_run(run_of([*ids[:4], RUN[0], ids[4]]))
    made.outlet.clock.run_pending()
    made.outlet.take()
    expected = b"NATS/1.0\r\nNats-Expected-Last-Msg-Id: 5\r\n\r\n"
    made.stream.store(b"s.1", expected, b"y", b"_I.2")
    made.stream.store_run(run_of([ids[5], ids[2], ids[5]]))
    made.outlet.clock.run_pending()

    answers = list(map(json.loads, made.outlet.take()))
    assert [each["seq"] for each in answers] == [7, 8, 3, 8]
    assert ["duplicate" in each for each in answers] == [False, False, True, True]
    assert made.log.count == 8


def test_a_run_that_is_stored_one_by_one_is_taken_in_parts() -> None:
    """So a turn can end: with ids, rules or limits that takes as long as for single messages."""
    made = make()
    known = (b"s.1", IDS[0], b"x", b"_I.1")
    run = run_of([known, known, *[RUN[0]] * SINGLY])

    assert made.stream.store_run(run) == SINGLY
    assert made.log.count == SINGLY - 1
    assert made.stream.store_run(run_of([known])) == 1
    assert made.stream.store_run(run_of([RUN[0]] * SINGLY * 2)) == SINGLY * 2


RUN: list[Published] = [(b"s.1", b"", b"x", b"_I.%d" % each) for each in range(3)]


@pytest.mark.parametrize("room", [0, 10, 10_000])
def test_the_limits_of_the_server_hold(room: int) -> None:
    """What is too much for the account is refused, message by message."""
    made = make()
    made.host.room = room
    made.stream.store_run(run_of(RUN))
    made.outlet.clock.run_pending()

    assert made.log.count == (3 if room > 100 else 0)
    assert len(made.outlet.take()) == 3


def test_a_server_over_its_limit() -> None:
    """Nothing is stored, and each message is refused."""
    host = FakeHost()
    made = make(host)
    host.over_limit = True
    made.stream.store_run(run_of(RUN))

    assert [b"10023" in each for each in made.outlet.take()] == [True, True, True]


def test_a_storage_that_fails() -> None:
    """Nothing is appended while it does."""
    made = make()
    made.log.is_failing = StorageFailure.FULL
    made.stream.store_run(run_of(RUN))

    assert [b"10077" in each for each in made.outlet.take()] == [True, True, True]
    assert made.log.last == 0


def test_too_much_that_waits() -> None:
    """A run that would be more than may wait is taken as far as it may be."""
    made = make()
    made.log.holds = True
    made.stream.commits.max_messages = 2
    made.stream.store_run(run_of(RUN))
    made.outlet.clock.run_pending()
    made.log.let_go()

    assert [
        (each.subject, b'"seq":' in each.payload and b"error" not in each.payload)
        for each in made.outlet.sent
    ] == [
        (b"_I.2", False),
        (b"_I.0", True),
        (b"_I.1", True),
    ]


def test_a_failure_takes_a_run_back() -> None:
    """All of its messages are refused, also those of a run that no commit was asked for yet."""
    made = make()
    made.log.holds = True
    made.stream.store_run(run_of(RUN))
    made.outlet.clock.run_pending()
    made.stream.store_run(run_of(RUN[:1]))
    made.log.let_go(StorageFailure.FULL)
    made.outlet.clock.run_pending()
    made.log.let_go()

    assert [each.subject for each in made.outlet.sent] == [b"_I.0", b"_I.1", b"_I.2", b"_I.0"]
    assert all(b"10077" in each.payload for each in made.outlet.sent)


def test_ids_are_not_remembered_beyond_a_run() -> None:
    """`Nats-Expected-Last-Msg-Id` is compared with the id of the very last message."""
    made = make()
    made.ask("s.1", headers={"Nats-Msg-Id": "a"})
    made.stream.store_run(run_of(RUN))
    made.outlet.clock.run_pending()
    made.outlet.take()

    assert "10070" in made.ask("s.1", headers={"Nats-Expected-Last-Msg-Id": "a"})


def test_acks_are_those_of_single_messages() -> None:
    """With the domain, if there is one."""
    host = FakeHost()
    host.domain = "hub"
    made = make(host)
    made.stream.store_run(run_of(RUN[:1]))
    made.outlet.clock.run_pending()

    assert made.outlet.sent == [Sent(b"_I.0", b'{"stream":"S","domain":"hub","seq":1}')]


def test_a_sealed_stream_takes_none() -> None:
    """Each message is refused."""
    made = make()
    made.stream.update(replace(made.stream.config, sealed=True))
    made.stream.store_run(run_of(RUN))

    assert [b"10109" in each for each in made.outlet.take()] == [True, True, True]


def test_what_goes_goes_with_the_last_message() -> None:
    """One record removes all that have to go, as many as one record may; a failure brings them back."""
    made = make(max_msgs=3)
    made.stream.store_run(run_of(RUN))
    made.outlet.clock.run_pending()
    made.log.holds = True
    made.stream.store_run(run_of(RUN[:2]))
    assert [each for each in made.log.removed_with if each] == [[1, 2]]
    assert made.sequences() == [3, 4, 5]
    made.outlet.clock.run_pending()
    made.log.let_go(StorageFailure.FULL)

    assert made.sequences() == [1, 2, 3]


def test_many_messages_go_in_several_steps() -> None:
    """No record removes more than it may."""
    made = make(max_msgs=10)
    messages = [(b"s.1", b"", b"%d" % each, b"") for each in range(2 * MOST + 100)]
    made.stream.store_run(run_of(messages))
    made.outlet.clock.run_pending()

    assert made.contents() == [(each + 1, "s.1", f"{each}") for each in range(2 * MOST + 90, 2 * MOST + 100)]
    assert max(map(len, made.log.removed_with)) <= MOST
