"""Unit tests of direct gets (jetstream-api.md, section 5)."""

import pytest

from app.domain.jetstream.streams import direct, jobs
from app.domain.jetstream.streams.answers import RETRY
from tests.fakes.stream_host import Made, Sent, make

INBOX = b"_I.1"
EOB = b"NATS/1.0 204 EOB\r\nNats-Num-Pending: %d\r\nNats-Last-Sequence: %d\r\n%b\r\n"


@pytest.fixture(name="made")
def _made() -> Made:
    """A stream with `s.1`, `s.2`, `s.1`, `s.3`, a second apart; the second has a header."""
    made = make(allow_direct=True)
    for number, subject in enumerate(("s.1", "s.2", "s.1", "s.3"), 1):
        made.ask(subject, f"{number}", {"A": "b"} if number == 2 else None)
        made.outlet.clock.advance(1)
    return made


def ask(made: Made, payload: bytes) -> list[Sent]:
    """All that a request is answered with."""
    made.stream.gets.get(payload, INBOX)
    made.outlet.clock.run_pending()
    sent, made.outlet.sent = made.outlet.sent, []
    assert {INBOX} >= {each.subject for each in sent}
    return sent


def block(sequence: int, subject: str, own: str = "", more: str = "") -> bytes:
    """The header block of a message."""
    return (
        f"NATS/1.0\r\n{own}Nats-Stream: S\r\nNats-Subject: {subject}\r\nNats-Sequence: {sequence}\r\n"
        f"Nats-Time-Stamp: 2026-11-18T11:06:4{sequence - 1}Z\r\n{more}\r\n"
    ).encode()


def pending(number: int, last: int) -> str:
    """The fields of a message of several."""
    return f"Nats-Num-Pending: {number}\r\nNats-Last-Sequence: {last}\r\n"


def test_the_answer_is_the_message(made: Made) -> None:
    """Its own header fields come first."""
    assert [Sent(INBOX, b"1", block(1, "s.1"))] == ask(made, b'{"seq":1}')
    assert [Sent(INBOX, b"2", block(2, "s.2", "A: b\r\n"))] == ask(made, b'{"last_by_subj":"s.2"}')
    assert [Sent(INBOX, b"2")] == ask(made, b'{"seq":2,"no_hdr":true}')


@pytest.mark.parametrize("headers", [b"A", b"AB"])
def test_a_message_with_headers_that_are_none(made: Made, headers: bytes) -> None:
    """They are too short for a block: the answer has one nevertheless."""
    made.stream.store(b"s.4", headers, b"5", b"")
    made.outlet.clock.run_pending()

    assert [Sent(INBOX, b"5", block(5, "s.4"))] == ask(made, b'{"seq":5}')


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (b"", direct.EMPTY),
        (b"{}", direct.EMPTY),
        (b"{", direct.MALFORMED),
        (b'{"nope":1}', direct.EMPTY),
        (b'{"seq":"1"}', direct.MALFORMED),
        (b'{"seq":1,"last_by_subj":"s.1"}', direct.BAD),
        (b'{"last_by_subj":"s.1","batch":2}', direct.BAD),
        (b'{"next_by_subj":"s.1","multi_last":["s.1"]}', direct.BAD),
        (b'{"multi_last":["s.1"],"up_to_seq":1,"up_to_time":"2026-11-18T11:06:40Z"}', direct.BAD),
        (b'{"seq":9}', direct.NOT_FOUND),
        (b'{"seq":9,"batch":2}', direct.NOT_FOUND),
        (b'{"multi_last":["nosuch"]}', direct.NO_RESULTS),
        (b'{"multi_last":["s.1"],"up_to_time":"2026-11-18T11:06:40Z"}', direct.NO_RESULTS),
    ],
)
def test_statuses_say_what_is_wrong(made: Made, payload: bytes, status: bytes) -> None:
    """They are those of nats-server."""
    assert [Sent(INBOX, b"", status)] == ask(made, payload)


def test_the_last_of_a_subject_can_be_named_by_the_subject(made: Made) -> None:
    """With wildcards too; a payload may only ask for no header."""
    gets = made.stream.gets
    gets.get_last(b"s.1", b"", INBOX)
    gets.get_last(b"s.*", b'{"no_hdr":true}', INBOX)
    gets.get_last(b"nosuch", b"", INBOX)
    gets.get_last(b"", b"", INBOX)
    gets.get_last(b"s.1", b'{"seq":1}', INBOX)
    gets.get_last(b"s.1", b"x", INBOX)

    assert [
        Sent(INBOX, b"3", block(3, "s.1")),
        Sent(INBOX, b"4"),
        Sent(INBOX, b"", direct.NOT_FOUND),
        Sent(INBOX, b"", direct.BAD),
        Sent(INBOX, b"", direct.BAD),
        Sent(INBOX, b"", direct.MALFORMED),
    ] == made.outlet.sent


def test_a_lone_request_is_answered_within_its_read(made: Made) -> None:
    """With the last message of a subject; nothing is done where there is none, or the receiver is slow."""
    gets = made.stream.gets

    assert gets.take_last(b"s.1", INBOX)
    assert not gets.take_last(b"s.*", INBOX)
    assert [Sent(INBOX, b"3", block(3, "s.1"))] == made.outlet.sent
    made.outlet.congested = (INBOX,)
    assert not gets.take_last(b"s.1", INBOX)
    made.host.answers.send(INBOX)
    assert not gets.take_last(b"s.1", b"other")
    assert 1 == len(made.outlet.sent)


def test_a_last_message_that_is_damaged_is_not_found(made: Made) -> None:
    """Nor is an older one given in its place."""
    made.log.damaged.add(3)
    made.stream.gets.get_last(b"s.1", b"", INBOX)

    assert [Sent(INBOX, b"", direct.NOT_FOUND)] == made.outlet.sent


def test_a_batch_ends_with_a_status(made: Made) -> None:
    """Each message says how many follow, and which came before."""
    assert [
        Sent(INBOX, b"1", block(1, "s.1", more=pending(3, 0))),
        Sent(INBOX, b"2", block(2, "s.2", "A: b\r\n", pending(2, 1))),
        Sent(INBOX, b"", EOB % (2, 2, b"")),
    ] == ask(made, b'{"seq":1,"batch":2}')


@pytest.mark.parametrize(
    ("payload", "payloads"),
    [
        (b'{"next_by_subj":"s.1","batch":9}', [b"1", b"3", b""]),
        (b'{"start_time":"2026-11-18T11:06:42Z","batch":9}', [b"3", b"4", b""]),
        (b'{"seq":1,"batch":9,"max_bytes":5}', [b"1", b"2", b""]),
        (b'{"seq":1,"batch":9,"max_bytes":1}', [b"1", b""]),
        (b'{"seq":3,"batch":1,"no_hdr":true}', [b"3", b""]),
    ],
)
def test_batches_have_bounds(made: Made, payload: bytes, payloads: list[bytes]) -> None:
    """The message that passes `max_bytes` still comes."""
    assert payloads == [each.payload for each in ask(made, payload)]


def test_last_messages_of_several_subjects(made: Made) -> None:
    """In order of sequences; the end names the sequence up to which it holds."""
    assert [
        Sent(INBOX, b"2", block(2, "s.2", "A: b\r\n", pending(1, 0))),
        Sent(INBOX, b"3", block(3, "s.1", more=pending(0, 2))),
        Sent(INBOX, b"", EOB % (0, 3, b"Nats-UpTo-Sequence: 4\r\n")),
    ] == ask(made, b'{"multi_last":["s.1","s.2","s.1"]}')


@pytest.mark.parametrize(
    ("payload", "payloads"),
    [
        (b'{"multi_last":["s.>"],"up_to_seq":2}', [b"1", b"2", b""]),
        (b'{"multi_last":["s.>"],"up_to_time":"2026-11-18T11:06:42Z"}', [b"1", b"2", b""]),
        (b'{"multi_last":["s.>"],"batch":1}', [b"2", b""]),
        (b'{"multi_last":["s.>"],"seq":3}', [b"3", b"4", b""]),
        (b'{"multi_last":["s.>"],"seq":9}', [b""]),
    ],
)
def test_last_messages_have_bounds(made: Made, payload: bytes, payloads: list[bytes]) -> None:
    """To go on, a client asks again from a sequence."""
    assert payloads == [each.payload for each in ask(made, payload)]


def test_too_many_subjects_are_refused(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent then."""
    monkeypatch.setattr(direct, "MOST_SUBJECTS", 2)

    assert [Sent(INBOX, b"", direct.TOO_MANY_RESULTS)] == ask(made, b'{"multi_last":["s.>"]}')


def test_many_subjects_are_searched_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop is never held."""
    monkeypatch.setattr(jobs, "SLICE", 0.0)
    made = make()
    for number in range(500):
        made.publish(f"s.{number}", "x", reply="")
    made.stream.gets.get(b'{"multi_last":["s.*"]}', INBOX)
    assert [] == made.outlet.sent
    made.outlet.clock.run_pending()

    assert 501 == len(made.outlet.sent)


def test_long_batches_go_in_slices(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others have their turn between."""
    monkeypatch.setattr(direct, "SLICE", 0.0)
    made.stream.gets.get(b'{"seq":1,"batch":9}', INBOX)
    assert 1 == len(made.outlet.sent)
    made.outlet.clock.run_pending()

    assert 5 == len(made.outlet.sent)


def test_a_congested_receiver_gets_all_later(made: Made) -> None:
    """The batch goes on where it was."""
    made.outlet.congested = (INBOX,)
    assert [] == ask(made, b'{"seq":1,"batch":2}')
    made.outlet.congested = ()
    made.outlet.clock.advance(2 * RETRY)

    assert [b"1", b"2", b""] == made.outlet.take()


def test_messages_that_went_meanwhile_are_passed_by(made: Made) -> None:
    """A batch sends what is there when its turn comes."""
    made.log.damaged.add(2)

    assert [b"1", b"3", b""] == [each.payload for each in ask(made, b'{"seq":1,"batch":2}')]


def test_batches_are_bounded(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those beyond the bound get a status; those that end make room."""
    monkeypatch.setattr(direct, "MOST_BATCHES", 1)
    made.outlet.congested = (b"_SLOW",)
    made.stream.gets.get(b'{"seq":1,"batch":1}', b"_SLOW.1")
    assert [Sent(INBOX, b"", direct.TOO_MANY)] == ask(made, b'{"seq":1,"batch":1}')
    made.outlet.congested, made.outlet.deserted = (), (b"_SLOW",)
    made.outlet.clock.advance(RETRY)

    assert 2 == len(ask(made, b'{"seq":1,"batch":1}'))
    assert 1 == len(ask(made, b'{"multi_last":["nosuch"]}'))
    assert 2 == len(ask(made, b'{"seq":1,"batch":1}'))


def test_closing_ends_batches(made: Made) -> None:
    """Nothing more is sent."""
    made.outlet.congested = (INBOX,)
    made.stream.gets.get(b'{"seq":1,"batch":3}', INBOX)
    made.stream.close()
    made.outlet.congested = ()
    made.outlet.clock.advance(2 * RETRY)

    assert 1 >= len(made.outlet.sent)
    assert 0 == made.outlet.clock.timers_outstanding
