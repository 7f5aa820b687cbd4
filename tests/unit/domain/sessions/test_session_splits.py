"""Sessions and cuts: what a client hears does not depend on how its bytes arrive."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane.constants import OWN_BYTES, RECEIVE_BYTES
from app.domain.dataplane.seam import MakePlane
from app.domain.limits import Limits
from tests.support.broker_stats import BrokerStats, stats_of
from tests.support.examples import examples
from tests.support.traffic_strategies import (
    HOSTILE_SIZES,
    PROPER,
    SPACIOUS,
    bytewise,
    cuts,
    mutated,
    pieces,
)
from tests.support.virtual_broker import QUIET, VirtualBroker

LIMITS = Limits(max_control_line=200, max_payload=400_000)
OPENINGS = st.sampled_from([b"", QUIET, b"SUB a 1\r\nSUB > q 2\r\n", QUIET + b"SUB a.* 3\r\nSUB * sid\r\n"])
LATER = b"\r\nPING\r\nSUB a 1\r\nPUB a 1\r\nx\r\n"


@dataclass(frozen=True)
class Outcome:
    """All that can be known of a conversation from outside."""

    heard: bytes
    overheard: bytes
    closed: bool
    aborted: bool
    stats: BrokerStats
    facts: tuple[str, ...]


def converse(make_plane: MakePlane, parts: list[bytes], limits: Limits = LIMITS) -> Outcome:
    """Let a fresh client of a fresh broker send the parts, each as a read, while another one listens."""
    server = VirtualBroker(make_plane, limits)
    listener = server.connect(quiet=True)
    listener.send(b"SUB > l\r\n")
    client = server.connect()
    for part in parts:
        client.send(part)
    return Outcome(
        client.heard(),
        listener.heard(),
        client.wire.closed,
        client.wire.aborted,
        stats_of(server.broker),
        tuple(map(shown, server.events.texts())),
    )


def shown(text: str) -> str:
    """A fact without the snippet of input in it: how long that is depends on what came along."""
    return text.partition("proto=")[0]


def check(make_plane: MakePlane, data: bytes, shares: list[float], limits: Limits = LIMITS) -> None:
    """See that one piece, these pieces, and (for a little) single bytes come to the same."""
    whole = converse(make_plane, [data], limits)

    assert whole == converse(make_plane, pieces(data, shares), limits)
    if len(data) < 3000:
        assert whole == converse(make_plane, bytewise(data), limits)
    assert not whole.aborted


@given(opening=OPENINGS, data=PROPER, shares=cuts())
def test_proper_traffic(make_plane: MakePlane, opening: bytes, data: bytes, shares: list[float]) -> None:
    """What a client may send is answered alike, however it is cut, and leaves the connection of use."""
    check(make_plane, opening + data, shares)

    assert not converse(make_plane, [opening + data]).closed


@given(opening=OPENINGS, data=mutated(), shares=cuts())
def test_mutated_traffic(make_plane: MakePlane, opening: bytes, data: bytes, shares: list[float]) -> None:
    """What went wrong on the way is refused alike, at the same byte."""
    check(make_plane, opening + data, shares)


@given(opening=OPENINGS, data=HOSTILE_SIZES, shares=cuts())
def test_hostile_sizes(make_plane: MakePlane, opening: bytes, data: bytes, shares: list[float]) -> None:
    """Sizes that are none, or that no machine has room for, are refused alike and at once."""
    check(make_plane, opening + data, shares)


@given(data=HOSTILE_SIZES, shares=cuts())
def test_hostile_sizes_with_long_lines(make_plane: MakePlane, data: bytes, shares: list[float]) -> None:
    """The same holds where lines may be long enough for thousands of digits."""
    check(make_plane, data, shares, Limits(max_control_line=8192))


@examples(0.5)
@given(data=SPACIOUS, shares=cuts())
def test_large_messages(make_plane: MakePlane, data: bytes, shares: list[float]) -> None:
    """Messages that do not fit any one read are put together alike."""
    check(make_plane, QUIET + b"SUB a 1\r\n" + data, shares)


@given(data=st.binary(max_size=200), shares=cuts())
def test_noise(make_plane: MakePlane, data: bytes, shares: list[float]) -> None:
    """Any bytes at all are refused or obeyed alike."""
    check(make_plane, data, shares)


@given(data=st.one_of(PROPER, mutated()), later=st.integers(0, 3))
def test_nothing_follows_an_end(make_plane: MakePlane, data: bytes, later: int) -> None:
    """Once a connection is closed, nothing that it sent after the reason is obeyed or counted."""
    alone = converse(make_plane, [data])
    trailed = converse(make_plane, [data + later * LATER])

    if alone.closed:
        assert alone == trailed


@pytest.mark.parametrize(
    "size",
    [
        0,
        1,
        OWN_BYTES - 20,
        OWN_BYTES - 1,
        OWN_BYTES,
        OWN_BYTES + 1,
        RECEIVE_BYTES - 20,
        RECEIVE_BYTES,
        RECEIVE_BYTES + 1,
        399_999,
        400_000,
        400_001,
    ],
)
@pytest.mark.parametrize("read", [1_000, 4_096, 65_536, 100_003])
def test_sizes_and_reads(make_plane: MakePlane, size: int, read: int) -> None:
    """A message of any size in reads of any size is delivered whole, or refused for its size."""
    payload = (b"0123456789\r\n" * (size // 12 + 1))[:size]
    data = QUIET + b"SUB a 1\r\n" + 2 * (b"PUB a %d\r\n%b\r\n" % (size, payload))

    outcome = converse(make_plane, [data[start : start + read] for start in range(0, len(data), read)])

    heard = 2 * (b"MSG a 1 %d\r\n%b\r\n" % (size, payload))
    if size > LIMITS.max_payload:
        heard = b"-ERR 'Maximum Payload Violation'\r\n"
    assert heard == outcome.heard
    assert (size > LIMITS.max_payload) is outcome.closed


NEGATIVE = {b"9223372036854775808", 4000 * b"9"}
"""As integers of 64 bits."""


@pytest.mark.parametrize(
    "digits",
    [b"2147483648", b"9223372036854775808", b"18446744073709551619", 4000 * b"9", 4000 * b"0" + b"1"],
    ids=["2**31", "2**63", "2**64 + 3", "4000 nines", "4000 zeros"],
)
@pytest.mark.parametrize("read", [1, 7, 10_000])
@pytest.mark.parametrize("max_payload", [1_048_576, -1], ids=["limited", "unlimited"])
def test_no_size_is_read_wrongly(make_plane: MakePlane, digits: bytes, read: int, max_payload: int) -> None:
    """A huge size is refused, as no number if gnatsd reads a negative one, or waited for; it never wraps."""
    text = b"Parser Error" if digits in NEGATIVE else b"Maximum Payload Violation"
    limits = Limits(max_control_line=8192, max_payload=max_payload)
    data = b"PUB a " + digits + b"\r\nabc\r\nPING\r\n"

    outcome = converse(
        make_plane, [data[start : start + read] for start in range(0, len(data), read)], limits
    )

    if max_payload < 0 and len(digits) <= 18:
        assert (b"", False) == (outcome.heard, outcome.closed)
    else:
        assert (b"-ERR '%b'\r\n" % text, True) == (outcome.heard, outcome.closed)
    assert 0 == outcome.stats.traffic.in_msgs
