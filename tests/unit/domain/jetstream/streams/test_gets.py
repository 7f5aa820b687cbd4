"""Unit tests of reading single messages (jetstream-api.md, section 5)."""

import base64

import pytest

from app.domain.jetstream.errors import JetStreamError
from tests.fakes.stream_host import Made, make

TIMES = ("2026-11-18T11:06:40Z", "2026-11-18T11:06:41Z", "2026-11-18T11:06:42Z", "2026-11-18T11:06:43Z")


@pytest.fixture(name="made")
def _made() -> Made:
    """A stream with `s.1`, `s.2`, `s.1` and `t.1`, a second apart; the third has a header."""
    made = make(subjects=["s.*", "t.*"])
    for number, subject in enumerate(("s.1", "s.2", "s.1", "t.1"), 1):
        made.ask(subject, f"{number}", {"A": "b"} if number == 3 else None)
        made.outlet.clock.advance(1)
    return made


@pytest.mark.parametrize(
    ("request_", "sequence"),
    [
        ({"seq": 2}, 2),
        ({"last_by_subj": "s.1"}, 3),
        ({"last_by_subj": "s.*"}, 3),
        ({"last_by_subj": ">"}, 4),
        ({"next_by_subj": "s.1"}, 1),
        ({"next_by_subj": "s.1", "seq": 2}, 3),
        ({"next_by_subj": "t.*", "seq": 1}, 4),
        ({"start_time": TIMES[1]}, 2),
        ({"start_time": TIMES[0], "next_by_subj": "s.2"}, 2),
        ({"start_time": "2020-01-01T00:00:00Z"}, 1),
    ],
)
def test_one_message_is_found(made: Made, request_: dict[str, object], sequence: int) -> None:
    """By sequence, as the last or the next of a subject, or by time."""
    assert sequence == made.stream.get_message(request_)["seq"]


def test_a_message_is_shown_in_full(made: Made) -> None:
    """Payload and header block in base64, if there are any."""
    assert {
        "subject": "s.1",
        "seq": 3,
        "hdrs": base64.b64encode(b"NATS/1.0\r\nA: b\r\n\r\n").decode(),
        "data": base64.b64encode(b"3").decode(),
        "time": TIMES[2],
    } == made.stream.get_message({"seq": 3})
    assert "hdrs" not in made.stream.get_message({"seq": 3, "no_hdr": True})
    made.ask("s.9")
    assert {"subject", "seq", "time"} == set(made.stream.get_message({"seq": 5}))


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"seq": 1, "last_by_subj": "s.1"},
        {"seq": 1, "start_time": TIMES[0]},
        {"last_by_subj": "s.1", "start_time": TIMES[0]},
        {"last_by_subj": "s.1", "next_by_subj": "s.1"},
        {"seq": 1, "batch": 2},
        {"seq": 1, "max_bytes": 2},
        {"multi_last": ["s.1"]},
    ],
)
def test_contradictions_are_refused(made: Made, request_: dict[str, object]) -> None:
    """A request names exactly one message."""
    with pytest.raises(JetStreamError) as refusal:
        made.stream.get_message(request_)

    assert refusal.value.number == 10003


@pytest.mark.parametrize(
    "request_",
    [
        {"seq": 5},
        {"seq": 2},
        {"last_by_subj": "nosuch"},
        {"last_by_subj": "nosuch.*"},
        {"next_by_subj": "s.1", "seq": 4},
        {"start_time": "2030-01-01T00:00:00Z"},
    ],
)
def test_what_is_not_there_is_not_found(made: Made, request_: dict[str, object]) -> None:
    """Neither are messages that are damaged."""
    made.log.damaged.add(2)

    with pytest.raises(JetStreamError) as refusal:
        made.stream.get_message(request_)

    assert refusal.value.number == 10037


def test_wrong_types_are_refused(made: Made) -> None:
    """As everywhere."""
    with pytest.raises(JetStreamError) as refusal:
        made.stream.get_message({"seq": "1"})

    assert refusal.value.number == 10025
