"""Where a message of a fast batch stands in it, as its reply subject says (jetstream-streams.md, section 11).

<prefix>.<batch id>.<flow>.<gap mode>.<number>.<operation>.$FI
"""

from typing import NamedTuple

from ...dataplane.incoming_run import FAST_SUFFIX

START, APPEND, COMMIT, COMMIT_EOB, PING = range(5)
"""Operations. The message of `COMMIT_EOB` and of `PING` is not stored."""

GAP_FAIL = b"fail"
GAP_OK = b"ok"

DEFAULT_FLOW = 10
MOST_FLOW = 65535
GREATEST_NUMBER = 2**64 - 2

_WORDS = 6
_MOST_DIGITS = 20


class FastPlace(NamedTuple):
    """One message's place."""

    batch: bytes
    flow: int
    """Messages after which the publisher wants an ack, at most."""
    gap_ok: bool
    """Whether it goes on if messages are missing."""
    number: int
    operation: int


class FastBatchCount:
    """How many fast batches there are on a server."""

    def __init__(self) -> None:
        self.count = 0


def place_of(reply: bytes) -> FastPlace | None:
    """The place that a reply subject with the suffix of fast batches says; None if it makes no sense."""
    words = reply[: -len(FAST_SUFFIX)].rsplit(b".", _WORDS - 1)
    if len(words) != _WORDS:
        return None
    _, batch, flow, gap_mode, number_text, operation_text = words
    operation, number = _number(operation_text), _number(number_text)
    if not START <= operation <= PING or not 0 < number <= GREATEST_NUMBER:
        return None
    if (number == 1) if operation in (APPEND, COMMIT_EOB) else (operation == START and number != 1):
        return None
    if gap_mode not in (GAP_FAIL, GAP_OK):
        return None
    wanted = _number(flow)
    return FastPlace(
        batch,
        min(wanted, MOST_FLOW) if wanted > 0 else DEFAULT_FLOW,
        gap_mode == GAP_OK,
        number,
        operation,
    )


def _number(text: bytes) -> int:
    """A decimal number; -1 for what is none."""
    return int(text) if text.isdigit() and len(text) <= _MOST_DIGITS else -1


def frame_of(reply: bytes) -> tuple[bytes, bytes]:
    """What the replies of a batch's plain messages begin and end with; the number is in between."""
    head = reply[: -len(FAST_SUFFIX)].rsplit(b".", 2)[0]
    return head + b".", b".%d" % APPEND + FAST_SUFFIX
