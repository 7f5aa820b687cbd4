"""Unit tests of what time and limits do to a stream (jetstream-streams.md, sections 4 and 5)."""

import pytest

from app.domain.jetstream.streams import jobs
from tests.fakes.stream_host import SECOND, FakeReader, Made, config, make

MARKER = b"NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\nNats-TTL: 2s\r\nNats-Rollup: sub\r\n\r\n"


def fill(made: Made, *subjects: str) -> None:
    """Store a message on each."""
    for subject in subjects:
        made.publish(subject, "x")
    made.outlet.clock.run_pending()
    made.outlet.take()


def test_messages_end_by_age() -> None:
    """By themselves, with one timer, which ends when nothing is left."""
    made = make(max_age=SECOND)
    fill(made, "s.1")
    made.outlet.clock.advance(0.6)
    fill(made, "s.2")

    made.outlet.clock.advance(0.5)
    assert [2] == made.sequences()
    assert 1 == made.outlet.clock.timers_outstanding
    made.outlet.clock.advance(0.5)
    assert [] == made.sequences()
    assert 0 == made.outlet.clock.timers_outstanding


def test_expiry_is_committed_and_heard_of() -> None:
    """Readers learn of each message that ended."""
    made = make(max_age=SECOND)
    reader = FakeReader()
    made.stream.add_reader(reader)
    fill(made, "s.1")
    made.outlet.clock.advance(1)

    assert [("stored", 1), ("removed", 1)] == reader.heard


def test_many_messages_end_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop is never held; the timer is set again when all that is due went."""
    monkeypatch.setattr(jobs, "SLICE", 0.0)
    made = make(max_age=SECOND, allow_msg_ttl=True)
    fill(made, *["s.1"] * 200)
    made.outlet.clock.advance(0.5)
    fill(made, "s.2")
    made.outlet.clock.advance(0.5)

    assert [201] == made.sequences()
    assert 1 == made.outlet.clock.timers_outstanding


def test_a_long_run_of_messages_goes_at_once() -> None:
    """Readers count again, and what is younger stays."""
    made = make(max_age=SECOND)
    reader = FakeReader()
    made.stream.add_reader(reader)
    fill(made, *["s.1"] * 400)
    made.outlet.clock.advance(0.5)
    fill(made, "s.2")
    reader.heard.clear()
    made.outlet.clock.advance(0.5)

    assert [401] == made.sequences()
    assert [("purged", 401)] == reader.heard


def test_an_update_does_not_disturb_expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being removed is removed once."""
    monkeypatch.setattr(jobs, "SLICE", 0.0)
    made = make(max_age=SECOND)
    fill(made, *["s.1"] * 200)
    made.outlet.clock.advance(2)
    fill(made, *["s.1"] * 200)
    made.outlet.shift = 2 * SECOND
    made.stream.update(made.stream.config)
    left = made.log.count
    made.stream.update(made.stream.config)
    made.outlet.clock.run_pending()

    assert 0 < left < 200
    assert 0 == made.log.count


def test_a_stream_from_the_future_is_not_wiped() -> None:
    """When the clock is set back messages end later, not at once."""
    made = make(max_age=10 * SECOND)
    fill(made, "s.1")
    made.outlet.shift = -3600 * SECOND
    made.outlet.clock.advance(11)
    assert [1] == made.sequences()
    made.outlet.shift = 0
    made.outlet.clock.advance(60)

    assert [] == made.sequences()


def test_a_marker_takes_the_last_place() -> None:
    """When the last message of a subject ends; the marker ends itself, without another."""
    made = make(max_age=SECOND, subject_delete_marker_ttl=2 * SECOND, duplicate_window=SECOND)
    fill(made, "s.1", "s.1", "s.2")
    made.outlet.clock.advance(1)

    assert [(4, "s.1", ""), (5, "s.2", "")] == made.contents()
    message = made.log.read(4)
    assert message is not None
    assert MARKER == message.headers
    made.outlet.clock.advance(2)
    assert [] == made.sequences()
    assert 5 == made.log.last


@pytest.mark.parametrize(("operation", "left"), [("PURGE", []), ("DEL", [(2, "s.1", "")])])
def test_a_purge_of_a_bucket_is_a_marker(operation: str, left: list[tuple[int, str, str]]) -> None:
    """It says already that the key is gone, and ends without another; a deletion does not."""
    made = make(allow_msg_ttl=True, subject_delete_marker_ttl=SECOND)
    made.publish("s.1", "", {"KV-Operation": operation, "Nats-TTL": "2s"})
    made.outlet.clock.run_pending()
    made.outlet.clock.advance(2)

    assert left == made.contents()


def test_markers_need_room() -> None:
    """Where none is, the message just goes."""
    made = make(max_age=SECOND, subject_delete_marker_ttl=2 * SECOND, duplicate_window=SECOND)
    fill(made, "s.1", "s.2")
    made.host.over_limit = True
    made.log.damaged.add(2)
    made.outlet.clock.advance(1)

    assert [] == made.sequences()
    assert 2 == made.log.last


def test_limits_hold_from_the_start() -> None:
    """What was recovered is trimmed as well."""
    made = make(start=False)
    fill(made, "s.1", "s.1", "s.2", "s.2", "s.3")
    made.stream.update(config(max_msgs=4, max_msgs_per_subject=1))
    assert 5 == made.log.count
    made.stream.start()

    assert [2, 4, 5] == made.sequences()


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"max_msgs": 1}, [4]),
        ({"max_bytes": 45}, [3, 4]),
        ({"max_msgs_per_subject": 1}, [3, 4]),
        ({"max_age": SECOND}, []),
    ],
)
def test_lower_limits_hold_at_once(fields: dict[str, object], left: list[int]) -> None:
    """An update trims."""
    made = make()
    fill(made, "s.1", "s.1", "s.1", "s.2")
    made.outlet.clock.advance(2)
    made.stream.update(config(**fields))
    made.outlet.clock.advance(0)

    assert left == made.sequences()


def test_much_is_trimmed_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits hold soon, and the loop is never held."""
    monkeypatch.setattr(jobs, "SLICE", 0.0)
    made = make()
    fill(made, *[f"s.{number % 700}" for number in range(1400)])
    made.stream.update(config(max_msgs_per_subject=1, max_msgs=1300))
    assert 700 < made.log.count
    made.outlet.clock.run_pending()

    assert 700 == made.log.count


def test_large_excess_is_trimmed_beside_new_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that comes meanwhile begins no second trimming."""
    monkeypatch.setattr(jobs, "SLICE", 0.0)
    made = make(max_bytes=40_000)
    fill(made, *["s.1"] * 2000)
    made.publish("s.1", "x" * 35_000)
    made.publish("s.1", "x")
    made.outlet.clock.run_pending()

    assert made.log.size <= 40_000
    assert made.log.last == 2002


@pytest.mark.parametrize("retention", ["limits", "interest", "workqueue"])
def test_settled_messages_go_by_retention(retention: str) -> None:
    """At once for a work queue, when nobody needs them by interest, and never by limits."""
    made = make(retention=retention)
    first, second = FakeReader("a"), FakeReader("b")
    made.stream.add_reader(first)
    made.stream.add_reader(second)
    fill(made, "s.1")
    first.needs_all = False
    made.stream.settled("a", 1)
    after_one = made.sequences()
    second.needs_all = False
    made.stream.settled("b", 1)
    made.stream.settled("b", 1)

    expected = {"limits": ([1], [1]), "interest": ([1], []), "workqueue": ([], [])}
    assert expected[retention] == (after_one, made.sequences())


def test_what_only_one_reader_held_goes_with_it() -> None:
    """By interest; others keep theirs."""
    made = make(retention="interest")
    made.stream.add_reader(FakeReader("a"))
    made.stream.add_reader(FakeReader("b", (b"s.2",)))
    fill(made, "s.1", "s.2", "s.1")
    made.stream.remove_reader("a")
    made.stream.remove_reader("nosuch")
    made.outlet.clock.run_pending()

    assert [2] == made.sequences()


def test_other_filters_release_what_they_no_longer_match() -> None:
    """The same holds for a reader that changed."""
    made = make(retention="interest")
    reader = FakeReader("a")
    made.stream.add_reader(reader)
    fill(made, "s.1", "s.2")
    reader.filters = (b"s.2",)
    made.stream.filters_changed(reader)
    made.outlet.clock.run_pending()

    assert [2] == made.sequences()


def test_release_goes_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also over what is kept."""
    monkeypatch.setattr(jobs, "SLICE", 0.0)
    made = make(retention="interest")
    made.stream.add_reader(FakeReader("a"))
    made.stream.add_reader(FakeReader("b", (b"s.2",)))
    fill(made, *["s.1", "s.2"] * 200)
    made.stream.remove_reader("a")
    assert 200 < made.log.count
    made.outlet.clock.run_pending()

    assert 200 == made.log.count


def test_ids_are_forgotten_in_idle_streams() -> None:
    """The stream wakes for that, though not for each."""
    made = make()
    made.ask("s.1", headers={"Nats-Msg-Id": "a"})
    assert 1 == made.outlet.clock.timers_outstanding
    made.outlet.clock.advance(300)

    assert 0 == made.outlet.clock.timers_outstanding


def test_an_earlier_end_sets_the_timer_anew() -> None:
    """A later one leaves it as it is."""
    made = make(allow_msg_ttl=True)
    made.ask("s.1", headers={"Nats-TTL": "50"})
    made.ask("s.2", headers={"Nats-TTL": "55"})
    made.ask("s.3", headers={"Nats-TTL": "5"})

    assert 1 == made.outlet.clock.timers_outstanding
    made.outlet.clock.advance(5)
    assert [1, 2] == made.sequences()


def test_a_closed_stream_has_no_timer() -> None:
    """Neither before nor after something comes."""
    made = make(max_age=SECOND)
    fill(made, "s.1")
    made.stream.close()
    made.stream.close()
    fill(made, "s.1")

    assert 0 == made.outlet.clock.timers_outstanding
