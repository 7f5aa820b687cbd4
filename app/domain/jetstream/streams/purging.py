"""Removing messages on request (jetstream-api.md, section 4)."""

from collections.abc import Callable

from ...steps import Step, Steps
from ..errors import JetStreamError
from ..storage.seam import HIGHEST_FIRST, Done, StreamLog
from .config import StreamConfig
from .contents import MANY, Contents

ALL = (b"", b">")

PORTION = 16_384
"""Messages that go at once."""


def check_purge(config: StreamConfig, sequence: int, keep: int) -> None:
    """Whether the stream may be purged so. Raises `JetStreamError`."""
    if config.sealed:
        raise JetStreamError(10109)
    if config.deny_purge:
        raise JetStreamError(10110, "stream purge not permitted")
    if sequence and keep:
        raise JetStreamError(10003)


Plan = int | list[int]
"""What goes: everything below a sequence, or these."""


def plan_purge(contents: Contents, pattern: bytes, sequence: int, keep: int) -> Steps[Plan]:
    """The messages that match and are below `sequence`, but the newest `keep`.

    A `sequence` of 0 stands for all that is there now; so does `keep` 0 for none. One that is still to
    come is that of the next message then, as in nats-server. Raises `JetStreamError`.
    """
    following = contents.log.last + 1
    end = sequence or following
    if pattern in ALL and not keep:
        if end > max(HIGHEST_FIRST, following):
            raise JetStreamError(10003)
        return end
    found = yield from _matching(contents, pattern, end)
    return found[: max(0, len(found) - keep)]


def propose(log: StreamLog, plan: Plan, done: Done) -> None:
    """Have it made safe that this goes. That numbers to come are used up is written after it."""
    if isinstance(plan, int):
        log.propose_removal_before(min(plan, log.last + 1), done)
    else:
        log.propose_removal(plan, done)


def carry_out(contents: Contents, plan: Plan, done: Callable[[int], None]) -> Steps[None]:
    """Remove it; `done` gets how many are gone, also if the stream ends meanwhile."""
    log, gone = contents.log, 0
    try:
        if not isinstance(plan, int):
            for start in range(0, len(plan), MANY):
                gone += contents.remove(plan[start : start + MANY])
                yield
        elif plan > log.last:
            gone = contents.remove_before(plan)
        else:
            while log.first < plan:
                gone += contents.remove_before(min(plan, log.first + PORTION))
                yield
    finally:
        done(gone)


def _matching(contents: Contents, pattern: bytes, end: int) -> Steps[list[int]]:
    """Sequences below `end` that match, ascending."""
    step = Step()
    found: list[int] = []
    for subject, state in contents.matching(pattern or b">", end - 1):
        if state.messages == 1:
            found.append(state.first)
        else:
            found += contents.log.sequences_of(subject, end - 1)
        if step.is_over_after(4 + state.messages // 8):
            yield
    found.sort()
    return found


def check_deletion(config: StreamConfig, contents: Contents, sequence: int) -> None:
    """Whether this message may be deleted. Raises `JetStreamError`."""
    if config.sealed:
        raise JetStreamError(10109)
    if config.deny_delete:
        raise JetStreamError(10057, "message delete not permitted")
    if sequence > contents.log.last and not config.in_memory:
        raise JetStreamError(10057, "stream store EOF")
    if sequence < contents.log.first and not config.in_memory:
        raise JetStreamError(10057, "no message found")
    if not contents.log.time_of(sequence):
        raise JetStreamError(10043, sequence)
