"""Work for one peer that may take long: it is done in turns, and the peer waits meanwhile."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .peer import PeerSession


RECEIVERS_AT_ONCE = 64
"""Receivers that get a message in one step."""


def in_turns(peer: "PeerSession", steps: Iterator[None]) -> None:
    """Take these steps: until the turn is over, and the others in later turns.

    The caller flushes what is sent now. The work goes on when the peer leaves.
    """
    if not _go_on(peer, steps):
        peer.connection.wait()
        _enqueue(peer, steps)


def _go_on(peer: "PeerSession", steps: Iterator[None]) -> bool:
    """Whether it is finished."""
    plane = peer.host.plane
    return not any(plane.is_over() for _ in steps)


def _enqueue(peer: "PeerSession", steps: Iterator[None]) -> None:
    turn = partial(_take_turn, peer, steps)
    peer.host.turns.enqueue(partial(peer.connection.guard, turn), again=True)


def _take_turn(peer: "PeerSession", steps: Iterator[None]) -> None:
    host = peer.host
    plane, turns = host.plane, host.turns
    plane.now = began = turns.begin()
    plane.until = turns.until
    try:
        finished = _go_on(peer, steps)
    finally:
        turns.count(host.scheduler.monotonic() - began)
        host.deferred.flush()  # also what was sent before a defect
    if finished:
        peer.connection.go_on()
    else:
        _enqueue(peer, steps)
