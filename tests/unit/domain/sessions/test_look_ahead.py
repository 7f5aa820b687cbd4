"""The input of a held publisher is looked at for PING, and for nothing else."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.sessions.look_ahead import LookAhead

CLIENT = frozenset({b"PUB"})
LONGEST = 100


def count(data: bytes, verbs: frozenset[bytes] = CLIENT) -> int:
    """The PINGs found in `data`."""
    return LookAhead(verbs, LONGEST).feed(data)


@pytest.mark.parametrize(
    ("data", "pings"),
    [
        (b"PING\r\n", 1),
        (b"ping\n", 1),
        (b"PING \t\r\nPING\r\n", 2),
        (b"PINGX\r\n", 0),
        (b"PING now\r\n", 0),
        (b"PONG\r\nSUB PING 1\r\n", 0),
        (b"PUB a 6\r\nPING\r\n\r\nPING\r\n", 1),
        (b"pub\ta r 6\r\nPING\r\n\r\nPING\r\n", 1),
        (b"PUB a 0\r\n\r\nPING\r\n", 1),
        (b"PUBLISH a 6\r\nPING\r\n", 1),
        (1000 * b"\n" + 1000 * b"ping\r\n" + b"x\n", 1000),
        (b" PING\r\nxPING\r\n\rPING\r\n", 0),
        (b"PING", 0),
        (b"", 0),
    ],
)
def test_a_ping_is_a_line_between_messages(data: bytes, pings: int) -> None:
    """What looks like PING within a payload or another line is none."""
    assert pings == count(data)


@pytest.mark.parametrize("line", [b"PUB a x\r\n", b"PUB\r\n", b"PUB a " + 19 * b"1" + b"\r\n"])
def test_a_malformed_message_ends_the_search(line: bytes) -> None:
    """What comes after a message without a size is unknown."""
    look = LookAhead(CLIENT, LONGEST)

    assert (1, True, 0) == (look.feed(b"PING\r\n" + line), look.over, look.feed(b"PING\r\n"))


def test_a_line_without_end_ends_the_search() -> None:
    """No more than one line is kept."""
    look = LookAhead(CLIENT, LONGEST)

    look.feed(LONGEST * b"x")
    before = look.over
    look.feed(b"x")

    assert (False, True, 0) == (before, look.over, look.feed(b"\r\nPING\r\n"))


def test_messages_of_routes_are_passed_over() -> None:
    """On a route MSG has a payload as well."""
    data = b"MSG a RSID:1:1 6\r\nPING\r\n\r\nPING\r\n"

    assert (1, 2) == (count(data, CLIENT | {b"MSG"}), count(data))


@given(cuts=st.lists(st.integers(min_value=0, max_value=60), max_size=8))
def test_any_pieces_give_the_same(cuts: list[int]) -> None:
    """How the input was cut into reads does not matter."""
    data = b"PING\r\nPUB a 12\r\nPING\r\nPING\r\n\r\nPING\r\nSUB b 1\r\nPING\r\n"
    look = LookAhead(CLIENT, LONGEST)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]

    pieces = [data[start:end] for start, end in pairwise(places)]

    assert 3 == sum(look.feed(piece) for piece in pieces)
