"""Unit tests of counters (jetstream-streams.md, section 6)."""

import json

import pytest

from tests.fakes.stream_host import FakeHost, Made, make


def counter(host: FakeHost | None = None, name: str = "CN", **fields: object) -> Made:
    """A counter stream on `c.>` of its name."""
    given: dict[str, object] = {"name": name, "subjects": [f"c.{name}.*"], "allow_msg_counter": True}
    return make(host, None, start=True, **(given | fields))


def add(made: Made, text: str, subject: str = "c.CN.1") -> str:
    """Add to a counter; the answer."""
    return made.ask(subject, headers={"Nats-Incr": text})


def error(answer: str) -> int:
    """The number of a refusal."""
    number = json.loads(answer)["error"]["err_code"]
    assert isinstance(number, int)
    return number


def test_increments_add_up() -> None:
    """Each subject counts by itself, and the ack has the value."""
    made = counter()

    assert '{"stream":"CN","seq":1,"val":"1"}' == add(made, "+1")
    assert '{"stream":"CN","seq":2,"val":"3"}' == add(made, "2")
    assert '{"stream":"CN","seq":3,"val":"-7"}' == add(made, "-7", "c.CN.2")
    assert '{"stream":"CN","seq":4,"val":"3"}' == add(made, "0")
    message = made.log.read(2)
    assert message is not None
    assert (b'{"val":"3"}', b"NATS/1.0\r\nNats-Incr: 2\r\n\r\n") == (message.payload, message.headers)


def test_numbers_may_be_large() -> None:
    """Larger than 64 bits, up to a bound."""
    made = counter()
    large = "9" * 4000

    assert f'"val":"{10**30}"' in add(made, str(10**30))
    assert 10171 == error(add(made, "1" + large))
    assert "error" not in add(made, large, "c.CN.2")
    assert 10171 == error(add(made, "1", "c.CN.2"))


@pytest.mark.parametrize(
    ("payload", "headers", "number"),
    [
        ("", None, 10169),
        ("", {"A": "b"}, 10169),
        ("", {"Nats-Msg-Id": "b"}, 10169),
        ("x", {"Nats-Incr": "1"}, 10170),
        ("", {"Nats-Incr": "one"}, 10171),
        ("", {"Nats-Incr": "+"}, 10171),
        ("", {"Nats-Incr": "1.5"}, 10171),
        ("", {"Nats-Incr": "1", "Nats-Rollup": "sub"}, 10171),
        ("", {"Nats-Incr": "1", "Nats-Expected-Last-Sequence": "0"}, 10171),
    ],
)
def test_what_is_no_increment_is_refused(payload: str, headers: dict[str, str] | None, number: int) -> None:
    """Counters take nothing else."""
    assert number == error(counter(allow_rollup_hdrs=True).ask("c.CN.1", payload, headers))


def test_ordinary_streams_do_not_count() -> None:
    """An increment is never stored as an ordinary message."""
    assert 10168 == error(make().ask("s.1", headers={"Nats-Incr": "1"}))


@pytest.mark.parametrize(
    ("headers", "payload"),
    [
        (b"", b"x"),
        (b"", b"{}"),
        (b"", b'{"val":7}'),
        (b'NATS/1.0\r\nNats-Counter-Sources: {"a":1}\r\n\r\n', b'{"val":"1"}'),
        (b"NATS/1.0\r\nNats-Counter-Sources: x\r\n\r\n", b'{"val":"1"}'),
    ],
)
def test_a_broken_counter_says_so(headers: bytes, payload: bytes) -> None:
    """What was stored by others may be anything."""
    made = counter()
    made.log.append(b"c.CN.1", headers, payload, 1)

    assert 10172 == error(add(made, "1"))


def test_totals_come_from_several_origins() -> None:
    """The shares are kept apart, so that each counts once."""
    host = FakeHost()
    first, second = counter(host, "A"), counter(host, "B")
    transforms = [{"src": "c.*.1", "dest": "c.sum"}]
    sources = [{"name": name, "subject_transforms": transforms} for name in ("A", "B")]
    made = make(host, name="T", subjects=["c.own"], sources=sources, allow_msg_counter=True)
    add(first, "+2", "c.A.1")
    add(second, "+10", "c.B.1")
    add(first, "+3", "c.A.1")
    host.outlet.clock.run_pending()
    message = made.log.read(3)

    assert message is not None
    assert b'{"val":"15"}' == message.payload
    assert b"\r\nNats-Incr: 3\r\n" in message.headers
    assert b'Nats-Counter-Sources: {"A":{"c.A.1":"5"},"B":{"c.B.1":"10"}}\r\n' in message.headers


def test_older_marks_name_no_subject() -> None:
    """Then the share is that of the subject here; a broken total of an origin is refused."""
    made = counter()
    mark = b"NATS/1.0\r\nNats-Incr: 1\r\nNats-Stream-Source: O 7\r\n\r\n"
    made.stream.store_copy(b"c.CN.1", mark, b'{"val":"4"}')
    message = made.log.read(1)

    assert message is not None
    assert b'Nats-Counter-Sources: {"O":{"c.CN.1":"4"}}\r\n' in message.headers


def test_copies_to_ordinary_streams_stay_as_they_are() -> None:
    """Only counters count."""
    host = FakeHost()
    add(counter(host), "+2")
    made = make(host, name="T", subjects=[], sources=[{"name": "CN"}])
    host.outlet.clock.run_pending()

    assert [(1, "c.CN.1", '{"val":"2"}')] == made.contents()
