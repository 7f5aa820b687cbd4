"""A lone message is stored and answered within the read that brought it (ADR 0066).

Only what needs no rule goes this way, so that it is one function: no headers, no reader that wants to hear
of it, nothing that waits, and room for gigabytes. All else goes by `Stream.store_alone`, a turn later.
"""

from collections.abc import Callable

from ..storage.seam import StreamLog
from . import headers as h
from .admission import Admission
from .commits import Commits
from .config import StreamConfig
from .contents import Contents
from .host import StreamHost

CALM = 50_000_000
"""Nanoseconds for which there is room, once there was much."""


class LoneStore:
    """Takes the lone messages of one stream."""

    __slots__ = (
        "_admission",
        "_answer",
        "_answers",
        "_calm_since",
        "_commits",
        "_contents",
        "_head",
        "_host",
        "_in_memory",
        "_index",
        "_largest",
        "_log",
        "_most",
        "_wall",
        "is_open",
    )

    def __init__(
        self, contents: Contents, commits: Commits, admission: Admission, host: StreamHost, head: bytes
    ) -> None:
        """`head` is how an ack begins."""
        self._contents = contents
        self._index = contents.index
        self._log: StreamLog = contents.log
        self._commits = commits
        self._admission = admission
        self._host = host
        self._head = head
        self._answers = host.answers
        self._answer: Callable[[bytes, bytes, int], bool] = host.outlet.answer_within_read
        self._wall = host.outlet.wall
        self._in_memory = False
        self._most = 0
        self._largest = 0
        self._calm_since = 0
        self.is_open = False
        """Whether no rule of the stream concerns a message without headers, but for a limit per subject."""

    def configure(self, config: StreamConfig, largest: int, *, is_open: bool) -> None:
        """What holds from now on; `largest` is the size of a message at most."""
        self._in_memory = config.in_memory
        self._most = max(config.max_msgs_per_subject, 0)
        self._largest = largest
        self.is_open = is_open

    def take(self, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> bool:
        """See `incoming_run.TakeLone`."""
        commits, answers = self._commits, self._answers
        if headers or not (self.is_open and commits.is_idle) or self._index.filters or answers.waiting:
            return False
        if len(payload) > self._largest or len(subject) > h.MAX_SUBJECT:
            return False
        now = self._wall()
        if not 0 <= now - self._calm_since < CALM:
            if not self._host.has_much_room(in_memory=self._in_memory):
                return False
            self._calm_since = now
        sequence = self._log.store_now(subject, headers, payload, now, self._most)
        if not sequence:
            return False
        self._admission.last_id = b""
        commits.last = self._contents.committed = sequence
        if reply and not self._answer(reply, self._head, sequence):
            answers.send_number(reply, self._head, sequence)
        return True
