"""Unit tests of storing messages: sizes, limits, roll-ups, TTLs (jetstream-streams.md, sections 3 to 5)."""

import json

import pytest

from app.domain.jetstream.storage.seam import StorageFailure
from app.domain.jetstream.streams.upkeep import LONGEST_SLEEP
from tests.fakes.stream_host import FakeHost, FakeReader, Made, make


def error(answer: str) -> tuple[int, str]:
    """The number and text of a refusal."""
    found = json.loads(answer)["error"]
    return found["err_code"], found["description"]


def fill(made: Made, *subjects: str) -> None:
    """Store a message with payload `x` on each."""
    for subject in subjects:
        assert "error" not in made.ask(subject, "x")


def test_a_message_is_stored_as_it_was_sent() -> None:
    """But for the status of its first header line."""
    made = make()
    made.stream.store(b"s.1", b"NATS/1.0 200 OK\r\nA: b\r\n\r\n", b"x", b"")
    message = made.log.read(1)

    assert message is not None
    assert message.headers == b"NATS/1.0\r\nA: b\r\n\r\n"
    assert (message.subject, message.payload) == (b"s.1", b"x")


def test_times_never_decrease() -> None:
    """When the clock goes back, time stands still."""
    made = make()
    fill(made, "s.1")
    made.outlet.shift = -(10**12)
    fill(made, "s.1")
    made.outlet.shift = 10**12
    fill(made, "s.1")

    times = [made.log.time_of(sequence) for sequence in (1, 2, 3)]
    assert times[0] == times[1] < times[2]


LONGEST = "s." + "x" * 65533
"""A subject with as many bytes as a record has room for."""


@pytest.mark.parametrize("given", [{}, {"max_msgs": 9}, {"allow_atomic": True}])
def test_a_subject_is_limited(given: dict[str, object]) -> None:
    """A record has 16 bits for the length of a subject: a longer one is refused on every way in."""
    refusal = (10054, "message size exceeds maximum allowed")
    made = make(**given)  # type: ignore[arg-type]  # fields of a configuration only

    assert "error" not in made.ask(LONGEST, "x")
    assert refusal == error(made.ask(LONGEST + "x", "x"))
    assert refusal == error(made.ask(LONGEST + "x", "x", {"Nats-Expected-Stream": "S"}))
    assert 1 == made.log.last


def test_a_subject_of_a_batch_is_limited() -> None:
    """It is found before anything of the batch is stored."""
    made = make(allow_atomic=True)
    first = {"Nats-Batch-Id": "b", "Nats-Batch-Sequence": "1"}
    last = {"Nats-Batch-Id": "b", "Nats-Batch-Sequence": "2", "Nats-Batch-Commit": "1"}
    made.ask(LONGEST + "x", "x", first)

    assert 10054 == error(made.ask(LONGEST, "x", last))[0]
    assert 0 == made.log.last


def test_a_transform_decides_about_the_length_of_a_subject() -> None:
    """What is stored counts, and not what was published."""
    long = make(subject_transform={"src": "s.>", "dest": "longer.>"})
    short = make(subjects=["longer.>"], subject_transform={"src": "longer.>", "dest": "s.>"})

    assert 10054 == error(long.ask(LONGEST, "x"))[0]
    assert "error" not in short.ask("longer" + LONGEST[1:], "x")


def test_sizes_are_limited() -> None:
    """Header block and payload together, and the header block alone; that is checked first."""
    made = make(max_msg_size=100)

    assert (10054, "message size exceeds maximum allowed") == error(made.ask("s.1", "x" * 101))
    assert (10054, "message size exceeds maximum allowed") == error(made.ask("s.1", "x", {"A": "b" * 99}))
    assert 10054 == error(made.ask("s.1", "x" * 100, {"Nats-Expected-Stream": "T"}))[0]
    assert "error" not in made.ask("s.1", "x" * 100)
    assert (10097, "header size exceeds maximum allowed of 64k") == error(
        make().ask("s.1", "", {"A": "b" * 65536})
    )


def test_server_and_account_have_limits() -> None:
    """Once over the server's, nothing is stored; a message that would pass the account's is not."""
    host = FakeHost()
    made = make(host)
    host.over_limit = True
    assert (10023, "insufficient resources") == error(made.ask("s.1"))
    host.over_limit = False
    host.room = 16 + 3 + 1

    assert "error" not in made.ask("s.1", "x")
    for headers in (None, {"Nats-Msg-Id": "x"}):
        answer = made.ask("s.1", "xx", headers)
        assert (10002, "resource limits exceeded for account") == error(answer)


def test_subjects_are_transformed() -> None:
    """What matches the transform is stored under its new subject; all else as it came."""
    made = make(subjects=["lt.*", "s"], subject_transform={"src": "lt.*", "dest": "out.{{wildcard(1)}}"})
    fill(made, "lt.a", "s")

    assert [(1, "out.a", "x"), (2, "s", "x")] == made.contents()


def test_the_oldest_goes() -> None:
    """By number and by bytes; each goes with the message that came."""
    made = make(max_msgs=2)
    fill(made, "s.1", "s.2", "s.3")
    assert [2, 3] == made.sequences()
    by_size = make(max_bytes=45)
    fill(by_size, "s.1", "s.2", "s.3")

    assert [2, 3] == by_size.sequences()
    assert 40 == by_size.log.size


def test_a_message_larger_than_the_stream_leaves_it_empty() -> None:
    """It is accepted, and `first` is after it."""
    made = make(max_bytes=45)
    fill(made, "s.1")
    assert '{"stream":"S","seq":2}' == made.ask("s.1", "x" * 100)

    assert [] == made.sequences()
    assert (3, 2) == (made.log.first, made.log.last)


def test_the_oldest_of_a_subject_goes() -> None:
    """Each subject has its own limit, also with discard new."""
    made = make(max_msgs_per_subject=2, discard="new")
    fill(made, "s.1", "s.1", "s.2", "s.1")

    assert [2, 3, 4] == made.sequences()


def test_limits_count_what_a_message_replaces() -> None:
    """A message that replaces one of its subject makes room itself."""
    made = make(max_msgs_per_subject=1, max_msgs=2)
    fill(made, "s.1", "s.2", "s.1")

    assert [2, 3] == made.sequences()
    fill(made, "s.3")
    assert [3, 4] == made.sequences()
    three = make(max_msgs_per_subject=1, max_msgs=3)
    fill(three, "s.1", "s.2", "s.3", "s.4", "s.3")
    assert [2, 4, 5] == three.sequences()


def test_a_replaced_message_among_the_oldest_counts_once() -> None:
    """It is not removed for the limit as well."""
    made = make(max_msgs_per_subject=1, max_bytes=60)
    fill(made, "s.1", "s.2", "s.3")
    assert "error" not in made.ask("s.1", "x" * 12)

    assert [3, 4] == made.sequences()


def test_discard_new_refuses() -> None:
    """By number, by bytes and by subject."""
    made = make(max_msgs=1, discard="new")
    fill(made, "s.1")
    assert (10077, "maximum messages exceeded") == error(made.ask("s.2"))
    by_size = make(max_bytes=45, discard="new")
    fill(by_size, "s.1", "s.2")
    assert (10077, "maximum bytes exceeded") == error(by_size.ask("s.3"))
    by_subject = make(
        max_msgs_per_subject=1, discard="new", discard_new_per_subject=True, allow_rollup_hdrs=True
    )
    fill(by_subject, "s.1", "s.2")
    assert (10077, "maximum messages per subject exceeded") == error(by_subject.ask("s.1"))
    assert "error" not in by_subject.ask("s.1", headers={"Nats-Rollup": "sub"})
    assert [2, 3] == by_subject.sequences()


def test_discard_new_lets_replace() -> None:
    """A message in place of one of its subject needs no more room, if it is no larger."""
    made = make(max_msgs=2, max_bytes=45, max_msgs_per_subject=1, discard="new")
    fill(made, "s.1", "s.2", "s.1")

    assert [2, 3] == made.sequences()
    assert (10077, "maximum bytes exceeded") == error(made.ask("s.1", "x" * 30))


def test_roll_ups_remove_what_is_older() -> None:
    """Of the subject, or all of it, in the same step."""
    made = make(allow_rollup_hdrs=True)
    fill(made, "s.1", "s.2", "s.1")
    assert "error" not in made.ask("s.1", headers={"Nats-Rollup": "sub"})
    assert [2, 4] == made.sequences()
    assert "error" not in made.ask("s.3", headers={"Nats-Rollup": "all"})
    assert [5] == made.sequences()
    assert "error" not in made.ask("s.new", headers={"Nats-Rollup": "sub"})
    assert [5, 6] == made.sequences()


def test_a_lowered_limit_of_a_subject_holds_at_the_next_message() -> None:
    """More than one goes if more than one is too many."""
    made = make()
    fill(made, "s.1", "s.1", "s.1", "s.1")
    made.stream.update(make(max_msgs_per_subject=2).stream.config)
    assert [3, 4] == made.sequences()
    late = make(start=False)
    fill(late, "s.1", "s.1", "s.1")
    late.stream.update(make(max_msgs_per_subject=2).stream.config)

    fill(late, "s.1")
    assert [3, 4] == late.sequences()


def test_without_interest_messages_get_a_number() -> None:
    """They are acknowledged and not kept, and their ids are known."""
    made = make(retention="interest", allow_rollup_hdrs=True)
    assert '{"stream":"S","seq":1}' == made.ask("s.1", headers={"Nats-Msg-Id": "a"})
    assert '{"stream":"S","seq":1,"duplicate": true}' == made.ask("s.1", headers={"Nats-Msg-Id": "a"})

    assert (2, 1, 0) == (made.log.first, made.log.last, made.log.count)
    assert '{"stream":"S","seq":2}' == made.ask("s.1", headers={"Nats-Expected-Last-Msg-Id": "a"})


def test_roll_ups_without_interest_still_remove() -> None:
    """What is older goes, though the message itself is not kept."""
    made = make(retention="interest", allow_rollup_hdrs=True)
    made.stream.add_reader(FakeReader("c", (b"s.1",)))
    fill(made, "s.1", "s.1")
    assert "error" not in made.ask("s.2", headers={"Nats-Rollup": "sub"})
    assert [1, 2] == made.sequences()
    assert "error" not in made.ask("s.2", headers={"Nats-Rollup": "all"})

    assert [] == made.sequences()


def test_messages_end_by_their_ttl() -> None:
    """At their second, with one timer."""
    made = make(allow_msg_ttl=True)
    assert "error" not in made.ask("s.1", headers={"Nats-TTL": "2s"})
    assert "error" not in made.ask("s.2", headers={"Nats-TTL": "1"})
    assert "error" not in made.ask("s.3", headers={"Nats-TTL": "never"})
    assert (10165, "invalid per-message TTL") == error(made.ask("s.4", headers={"Nats-TTL": "10ms"}))

    assert 1 == made.outlet.clock.timers_outstanding
    made.outlet.clock.advance(1)
    assert [1, 3] == made.sequences()
    made.outlet.clock.advance(1)
    assert [3] == made.sequences()
    assert 0 == made.outlet.clock.timers_outstanding
    made.outlet.clock.advance(2 * LONGEST_SLEEP)
    assert [3] == made.sequences()


def test_a_short_ttl_is_raised_to_that_of_markers() -> None:
    """Unless there is only one message per subject."""
    made = make(subject_delete_marker_ttl=5_000_000_000)
    assert "error" not in made.ask("s.1", headers={"Nats-TTL": "2s"})
    message = made.log.read(1)
    assert message is not None
    assert message.headers == b"NATS/1.0\r\nNats-TTL: 5\r\n\r\n"
    single = make(subject_delete_marker_ttl=5_000_000_000, max_msgs_per_subject=1)
    assert "error" not in single.ask("s.1", headers={"Nats-TTL": "2s"})

    message = single.log.read(1)
    assert message is not None
    assert message.headers == b"NATS/1.0\r\nNats-TTL: 2s\r\n\r\n"


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (StorageFailure.FULL, "no space left on device"),
        (StorageFailure.BROKEN, "the storage failed; nothing is stored before a restart"),
        (StorageFailure.GONE, "the stream was deleted meanwhile"),
    ],
)
def test_a_storage_that_failed_is_not_written_to(failure: StorageFailure, words: str) -> None:
    """The publisher learns why; when there is room again messages are stored again."""
    made = make()
    made.log.is_failing = failure
    assert (10077, words) == error(made.ask("s.1"))
    made.log.is_failing = None

    assert '{"stream":"S","seq":1}' == made.ask("s.1")


def test_a_roll_up_with_wildcards() -> None:
    """A roll-up published on a subject with a wildcard is for all that match it."""
    made = make(allow_rollup_hdrs=True)
    for subject in ("s.a.1", "s.a.2", "s.b.1"):
        made.ask(subject)

    made.ask("s.a.*", headers={"Nats-Rollup": "sub"})

    assert [subject for _, subject, _ in made.contents()] == ["s.b.1", "s.a.*"]
