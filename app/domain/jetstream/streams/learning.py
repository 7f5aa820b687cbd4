"""What a stream learns at its start from messages that are stored: recent ids, TTLs and schedules.

It reads them in slices while it serves already. Who has to know the ids before that is over reads the
rest at once: a publish with an id must not be stored twice.
"""

from collections.abc import Callable

from ...steps import Step, Steps
from ..errors import JetStreamError
from ..outlet import Outlet
from ..storage.seam import StoredMessage
from . import headers as h
from .config import StreamConfig
from .contents import Contents
from .duplicates import DuplicateWindow
from .durations import parse_ttl
from .expiry import Expiry
from .jobs import Jobs
from .schedules import Schedules, next_due

MESSAGE_WORK = 8


class Learner:
    """Reads the messages of one stream once."""

    def __init__(
        self, contents: Contents, duplicates: DuplicateWindow, expiry: Expiry, schedules: Schedules
    ) -> None:
        self._contents = contents
        self._duplicates = duplicates
        self._expiry = expiry
        self._schedules = schedules
        self._work: Steps[None] | None = None

    def begin(self, config: StreamConfig, outlet: Outlet, jobs: Jobs, done: Callable[[], None]) -> None:
        """Read what is there now; `done` is called when all is known."""
        now = outlet.wall()
        self._work = self._steps(config, now, self._contents.log.last)
        jobs.run(self._work, done)

    def finish(self) -> None:
        """Know all before going on; quick if that is so already."""
        if self._work is not None:
            work, self._work = self._work, None
            for _ in work:
                pass

    def _steps(self, config: StreamConfig, now: int, last: int) -> Steps[None]:
        log, step = self._contents.log, Step()
        first_id = max(log.at_time(now - config.duplicate_window), log.first)
        by_itself = config.allow_msg_ttl or config.allow_msg_schedules
        sequence = log.next_with_headers(log.first if by_itself else first_id)
        while 0 < sequence <= last:
            message = self._contents.read(sequence)
            if message is not None and h.SPECIAL in message.headers:
                self._learn(message, config, now, with_id=sequence >= first_id)
            if step.is_over_after(MESSAGE_WORK):
                yield
            sequence = log.next_with_headers(sequence + 1)
        self._work = None

    def _learn(self, message: StoredMessage, config: StreamConfig, now: int, *, with_id: bool) -> None:
        sequence, time = message.sequence, message.time
        fields = h.special_fields(message.headers)
        if config.allow_msg_ttl and (ttl := parse_ttl(fields.get(h.TTL, b""))):
            self._expiry.add(sequence, time, ttl)
        if config.allow_msg_schedules:
            try:
                due = next_due(fields, time, now)
            except JetStreamError:
                due = None
            if due is not None:
                self._schedules.add(sequence, due.time)
        name = fields.get(h.MSG_ID, b"")
        if name and with_id:
            self._duplicates.add(name, sequence, time)
