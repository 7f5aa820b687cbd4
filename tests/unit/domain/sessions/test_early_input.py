"""Input that waits with its sender."""

import pytest

from app.adapters.clock_manual import ManualClock
from app.domain.limits import Limits
from app.domain.peer_kind import PeerKind
from app.domain.sessions.early_input import NOTHING_EARLY, EarlyInput
from app.domain.sessions.flow import READ_AHEAD, READ_AHEAD_TOTAL, Flow

LIMITS = Limits()


@pytest.fixture(name="flow")
def _flow() -> Flow:
    return Flow(LIMITS, ManualClock())


@pytest.fixture(name="early")
def _early(flow: Flow) -> EarlyInput:
    return EarlyInput(flow)


def keep(early: EarlyInput, data: bytes) -> int:
    """Let this come."""
    return early.keep(memoryview(data))


def test_it_is_taken_in_order(flow: Flow, early: EarlyInput) -> None:
    """Piece by piece, as there is room; all that waits counts for the broker."""
    keep(early, b"abc")
    keep(early, b"defg")
    room = bytearray(5)

    counts = [len(early), flow.read_ahead, early.take(memoryview(room))]

    assert ([7, 7, 5], b"abcde") == (counts, bytes(room))
    assert (2, 2) == (len(early), flow.read_ahead)
    assert 2 == early.take(memoryview(room))
    assert b"fg" == bytes(room[:2])
    assert not early


def test_it_is_dropped(flow: Flow, early: EarlyInput) -> None:
    """Nothing of it counts any more."""
    keep(early, b"abc")

    early.drop()

    assert (0, 0) == (len(early), flow.read_ahead)


@pytest.mark.parametrize(
    ("kept", "data", "idle"),
    [
        (b"", b"PING\r\n", True),
        (b"", b"PING\r\nPUB a 0\r\n", False),
        (b"pu", b"b\ta 0\r\n", False),
        (b"", b"PING\r\nHPUB a 12 12\r\n", False),
        (b"", b"SUB hpub 1\r\n", True),
    ],
)
def test_whether_it_matters_without_its_sender(
    early: EarlyInput, kept: bytes, data: bytes, *, idle: bool
) -> None:
    """Messages matter to others, wherever a read has cut them."""
    keep(early, data)

    assert idle == early.is_idle(kept)


def test_pings_are_counted_once(early: EarlyInput) -> None:
    """Those that were answered in advance are not answered when they are obeyed, nor in a later wait."""
    before = keep(early, b"PING\r\n")
    found = early.look(PeerKind.CLIENT, LIMITS, b"PING\r\n")
    more = keep(early, b"PUB a 4\r\nPING\r\nPING\r\n")
    for _ in range(found + more):
        early.note_answer()
    early.stop_looking()

    again = early.look(PeerKind.CLIENT, LIMITS, b"PING\r\n")

    assert (0, 2, 1, 0) == (before, found, more, again)
    assert [True, True, True, False] == [early.was_answered() for _ in range(4)]


@pytest.mark.parametrize(("kind", "pings"), [(PeerKind.CLIENT, 1), (PeerKind.ROUTE, 0), (PeerKind.LEAF, 0)])
def test_messages_of_servers_are_passed_over(early: EarlyInput, kind: PeerKind, pings: int) -> None:
    """What looks like a PING in the payload of MSG is none; a client sends no MSG."""
    keep(early, b"MSG a 1 6\r\nPING\r\n\r\n")

    assert pings == early.look(kind, LIMITS, b"")


@pytest.mark.parametrize(
    ("kind", "verb"), [(PeerKind.CLIENT, b"HPUB"), (PeerKind.ROUTE, b"HPUB"), (PeerKind.ROUTE, b"HMSG")]
)
def test_messages_with_headers_are_passed_over(early: EarlyInput, kind: PeerKind, verb: bytes) -> None:
    """What looks like a PING in the payload of a message with headers is none."""
    keep(early, verb + b" a 1 12 20\r\nNATS/1.0\r\n\r\nPING\r\n\r\n\r\nPING\r\n")

    assert early.look(kind, LIMITS, b"") == 1


def test_bounds(flow: Flow, early: EarlyInput) -> None:
    """It grows up to a bound of its own, and one of all together."""
    keep(early, bytes(READ_AHEAD - 1))
    grows = [early.may_grow]
    keep(early, b"x")
    grows.append(early.may_grow)
    early.drop()
    flow.read_ahead = READ_AHEAD_TOTAL
    grows.append(early.may_grow)

    assert [True, False, False] == grows


def test_it_can_be_seen(early: EarlyInput) -> None:
    """All that waits, without taking it."""
    keep(early, b"PING\r\n")

    assert (b"PING\r\n", 6) == (early.peek(), len(early))


def test_what_peers_share_until_something_waits() -> None:
    """Nothing is in it, and it counts for no broker; each peer begins one of its own, and goes on with it."""
    flow = Flow(LIMITS, ManualClock())
    before = (len(NOTHING_EARLY), NOTHING_EARLY.peek(), NOTHING_EARLY.is_looked_through)

    NOTHING_EARLY.stop_looking()
    NOTHING_EARLY.drop()
    early = NOTHING_EARLY.begun(flow)
    keep(early, b"abc")

    assert (0, b"", False) == before
    assert not NOTHING_EARLY.was_answered()
    assert not NOTHING_EARLY
    assert (b"abc", 3) == (early.begun(flow).peek(), flow.read_ahead)
    assert early.begun(flow) is early
    assert NOTHING_EARLY.begun(flow) is not early
