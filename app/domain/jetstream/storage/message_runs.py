"""Runs of messages that are there as objects."""

from array import array
from collections.abc import Sequence
from operator import add

from ...dataplane.message_run import MessageRun, joined, zeros
from .seam import StoredMessage


def run_of(messages: Sequence[StoredMessage], size: int) -> MessageRun | None:
    """These in flat pieces, with `size` bytes of bodies at most; None if the first has more."""
    sequences, times, subjects, headers, payloads = zip(*messages, strict=True)
    heads, bodies = zeros(len(messages)), payloads
    if any(headers):
        heads, bodies = array("q", map(len, headers)), tuple(map(add, headers, payloads))
    return joined(array("q", sequences), array("q", times), list(subjects), heads, bodies, size)
