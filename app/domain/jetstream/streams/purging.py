"""Removing messages on request (jetstream-api, section 4)."""

from ...steps import Step, Steps
from ..errors import JetStreamError
from ..storage.seam import HIGHEST_FIRST
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


def purge(contents: Contents, pattern: bytes, sequence: int, keep: int) -> Steps[int]:
    """Remove the messages that match and are below `sequence`, but the newest `keep`; how many went.

    A `sequence` of 0 stands for all that is there now; so does `keep` 0 for none. One that is still to
    come is that of the next message then, as in nats-server. Raises `JetStreamError`.
    """
    log = contents.log
    end = sequence or log.last + 1
    if pattern in ALL and not keep:
        if end > max(HIGHEST_FIRST, log.last + 1):
            raise JetStreamError(10003)
        if end > log.last:
            return contents.remove_before(end)
        gone = 0
        while log.first < end:
            gone += contents.remove_before(min(end, log.first + PORTION))
            yield
        return gone
    found = yield from _matching(contents, pattern, end)
    if keep:
        found = found[: max(0, len(found) - keep)]
    gone = 0
    for start in range(0, len(found), MANY):
        gone += contents.remove(found[start : start + MANY])
        yield
    return gone


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
