"""Whether a queue group has members that cover a subject: searched in steps, as it may take long."""

from collections import deque

from ..interest.interest import Interest
from ..steps import Steps
from ..timers import Scheduler

STEPS_AT_ONCE = 16
"""Steps that are made at once: a few ms at most. One is enough for nearly all subjects."""

_Key = tuple[bytes, bytes]


class GroupSearches:
    """Usually answers at once; else with the previous answer, and calls watchers of the subject later."""

    def __init__(self, interest: Interest, scheduler: Scheduler) -> None:
        self._interest = interest
        self._scheduler = scheduler
        self._under_way: dict[_Key, Steps[bool]] = {}
        self._queue: deque[_Key] = deque()
        self._found: dict[_Key, bool] = {}
        """Answers that were not fetched yet."""
        self._last: dict[_Key, bool] = {}
        """Of the subjects that took long, the answers that were given."""

    def has_group(self, subject: bytes, queue: bytes) -> bool:
        """Whether some member of this queue group covers a literal subject, as far as is known now."""
        key = subject, queue
        found = self._found.pop(key, None)
        if found is not None:
            self._last[key] = found
            return found
        if key not in self._under_way:
            search = self._interest.search_group(subject, queue)
            found = _advance(search)
            if found is not None:
                self._last.pop(key, None)
                return found
            self._under_way[key] = search
            self._queue.append(key)
            if len(self._queue) == 1:
                self._scheduler.call_soon(self._go_on)
        return self._last.get(key, False)

    def _go_on(self) -> None:
        """Some steps of the oldest search."""
        key = self._queue[0]
        found = _advance(self._under_way[key])
        if found is not None:
            self._queue.popleft()
            del self._under_way[key]
            self._found[key] = found
            if self._interest.watches is not None:
                self._interest.watches.note(key[0])
        if self._queue:
            self._scheduler.call_soon(self._go_on)


def _advance(search: Steps[bool]) -> bool | None:
    """Some steps; the answer if they are enough."""
    try:
        for _ in range(STEPS_AT_ONCE):
            next(search)
    except StopIteration as end:
        answer: bool = end.value
        return answer
    return None
