"""Watches: calls when subscriptions that cover a subject come or go.

A subscription costs a look-up along its tokens, and a wildcard one the watched subjects that it covers.
Calls are made in later turns, some in each, once however often the subject was concerned.
"""

from collections.abc import Callable
from itertools import islice

from ..subjects.subject import ONE, REST, tokens_of
from ..timers import Scheduler

CALLS_PER_TURN = 256


class _Node:
    """The subjects that begin alike."""

    __slots__ = ("children", "watchers")

    def __init__(self) -> None:
        self.children: dict[bytes, _Node] = {}
        self.watchers: dict[int, Callable[[], None]] | None = None
        """Those of the subject that ends here, by number."""


class Watches:
    """Calls by literal subject."""

    def __init__(self, scheduler: Scheduler, on_failure: Callable[[Exception], None]) -> None:
        """`on_failure` is called with the exception of a call; the other calls are still made."""
        self._scheduler = scheduler
        self._on_failure = on_failure
        self._root = _Node()
        self._due: dict[int, Callable[[], None]] = {}
        self._is_scheduled = False
        self._last = 0
        self._count = 0

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    def add(self, subject: bytes, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` after each change that concerns the subject; returns what ends that."""
        self._last += 1
        number = self._last
        node = self._root
        for token in tokens_of(subject):
            node = node.children.setdefault(token, _Node())
        if node.watchers is None:
            node.watchers = {}
        node.watchers[number] = changed
        self._count += 1
        return lambda: self._remove(subject, number)

    def _remove(self, subject: bytes, number: int) -> None:
        path = [self._root]
        tokens = tokens_of(subject)
        for token in tokens:
            child = path[-1].children.get(token)
            if child is None:
                return
            path.append(child)
        watchers = path[-1].watchers
        if watchers is None or watchers.pop(number, None) is None:
            return
        self._count -= 1
        self._due.pop(number, None)
        path[-1].watchers = watchers or None
        for depth in range(len(tokens), 0, -1):
            if path[depth].watchers is not None or path[depth].children:
                break
            del path[depth - 1].children[tokens[depth - 1]]

    def note(self, pattern: bytes) -> None:
        """A subscription on this pattern, a valid one, came or went."""
        if not self._count:
            return
        level = [self._root]
        for token in tokens_of(pattern):
            if token == REST:
                self._enqueue_below(level)
                return
            if token == ONE:
                level = [child for node in level for child in node.children.values()]
            else:
                level = [node.children[token] for node in level if token in node.children]
        self._enqueue(level)

    def _enqueue_below(self, level: list[_Node]) -> None:
        while level:
            level = [child for node in level for child in node.children.values()]
            self._enqueue(level)

    def _enqueue(self, nodes: list[_Node]) -> None:
        for node in nodes:
            if node.watchers is not None:
                self._due.update(node.watchers)
        self._schedule()

    def _schedule(self) -> None:
        if self._due and not self._is_scheduled:
            self._is_scheduled = True
            self._scheduler.call_soon(self._call)

    def _call(self) -> None:
        self._is_scheduled = False
        for number in list(islice(self._due, CALLS_PER_TURN)):
            changed = self._due.pop(number, None)
            if changed is None:
                continue
            try:
                changed()
            except Exception as error:  # noqa: BLE001 - a defect of one keeps no other from its call
                self._on_failure(error)
        self._schedule()
