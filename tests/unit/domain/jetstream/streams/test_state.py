"""Unit tests of a stream's state in JSON (jetstream-api.md, section 4)."""

import pytest

from app.domain.jetstream.storage.seam import Lost
from app.domain.jetstream.streams import state
from tests.fakes.stream_host import FakeReader, HeldLog, make

TIME = "2026-11-18T11:06:40Z"
ZERO = "0001-01-01T00:00:00Z"


def test_a_new_stream_has_no_sequences() -> None:
    """Both are 0, unless the first one is configured."""
    assert {
        "messages": 0,
        "bytes": 0,
        "first_seq": 0,
        "first_ts": ZERO,
        "last_seq": 0,
        "last_ts": ZERO,
        "consumer_count": 0,
    } == make().stream.state_json().state
    later = make(first_seq=100).stream.state_json().state
    assert (100, 99) == (later["first_seq"], later["last_seq"])


def test_the_state_counts() -> None:
    """Numbers that are zero are left out; the order is nats-server's."""
    made = make()
    for subject in ("s.1", "s.2", "s.3", "s.1"):
        made.ask(subject, "x")
    made.stream.delete_message(2)
    made.stream.add_reader(FakeReader())
    found = made.stream.state_json(deleted_details=True).state

    assert {
        "messages": 3,
        "bytes": 60,
        "first_seq": 1,
        "first_ts": TIME,
        "last_seq": 4,
        "last_ts": TIME,
        "num_subjects": 2,
        "num_deleted": 1,
        "deleted": [2],
        "consumer_count": 1,
    } == found
    assert list(found)[-3:] == ["num_deleted", "deleted", "consumer_count"]


def test_an_emptied_stream_keeps_its_last_time() -> None:
    """`first_seq` is after `last_seq`, and there is no first time."""
    made = make()
    made.ask("s.1")
    made.purge()
    found = made.stream.state_json().state

    assert (2, 1, ZERO, TIME) == tuple(found[key] for key in ("first_seq", "last_seq", "first_ts", "last_ts"))


def test_subjects_are_counted_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorted by name, with the number of all beside them; an offset is clipped."""
    monkeypatch.setattr(state, "MOST_SUBJECTS", 2)
    made = make()
    for subject in ("s.c", "s.a", "s.b", "s.a"):
        made.ask(subject)
    page = made.stream.state_json(subjects_filter=b"s.*")
    rest = made.stream.state_json(subjects_filter=b"s.*", offset=2)
    beyond = made.stream.state_json(subjects_filter=b"s.*", offset=9)

    assert {"s.a": 2, "s.b": 1} == page.state["subjects"]
    assert (3, 0, 2) == page[1:]
    assert {"s.c": 1} == rest.state["subjects"]
    assert ("subjects" not in beyond.state, 3) == (True, beyond.offset)
    assert 0 == made.stream.state_json(subjects_filter=b">", offset=-4).offset
    assert (0, 0, 0) == made.stream.state_json(subjects_filter=b"nosuch", offset=3)[1:]


def test_gaps_without_number_are_only_counted() -> None:
    """A mirror with a filter may have any number of them."""
    made = make()
    made.ask("s.1")
    made.log.skip(10**12, 1)
    made.ask("s.1")
    found = made.stream.state_json(deleted_details=True).state

    assert "deleted" not in found
    assert found["num_deleted"] == 10**12 - 1


def test_damage_is_shown() -> None:
    """What was lost is named."""
    log = LostLog()

    assert {"msgs": [3, 4], "bytes": 99} == state.state_json(log, 0).state["lost"]


class LostLog(HeldLog):
    """A log that lost something."""

    @property
    def lost(self) -> Lost:
        """Two messages."""
        return Lost((3, 4), 99)
