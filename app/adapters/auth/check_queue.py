"""The order in which slow checks are made when logins arrive faster than they can be checked.

In a plain queue an honest client would wait for every wrong password of a flood, and give
up. Three rules keep its wait short:

    * Each secret has a queue of its own, and the queues take turns. A flood against one
      user does not delay the others.
    * Each queue is served alternately from its two ends. The newest client waits for two
      checks at most, and the oldest cannot be overtaken for ever.
    * Equal checks are one check, whose result goes to all that asked for it. Five hundred
      clients that reconnect at once with one password cost one check.

A check is dropped when the last client that asked for it has left.

Nothing is kept once it is answered: this is no cache of results.
"""

from collections import OrderedDict
from collections.abc import Callable

from .secret import Secret

OnResult = Callable[[bool], None]
"""Receives whether the given password or token matches."""


class SecretCheck:
    """Compare `given` with `secret`, for every caller that asked."""

    __slots__ = ("_callbacks", "given", "secret", "started")

    def __init__(self, secret: Secret, given: bytes) -> None:
        self.secret = secret
        self.given = given
        self.started = False
        """Whether a worker has taken it from the queue."""
        self._callbacks: dict[OnResult, None] = {}

    def add(self, on_result: OnResult) -> None:
        """Add a caller; each has a callback of its own."""
        self._callbacks[on_result] = None

    def remove(self, on_result: OnResult) -> bool:
        """Remove a caller; returns whether none is left."""
        self._callbacks.pop(on_result, None)
        return not self._callbacks

    def callbacks(self) -> list[OnResult]:
        """The callbacks of all callers."""
        return list(self._callbacks)

    def resolve(self, *, matches: bool) -> None:
        """Send the result to every caller."""
        for on_result in self.callbacks():
            on_result(matches)


class _SecretQueue:
    """The checks against one secret by what was given, oldest first."""

    __slots__ = ("_newest_next", "checks")

    def __init__(self) -> None:
        self.checks: OrderedDict[bytes, SecretCheck] = OrderedDict()
        self._newest_next = False

    def take(self) -> SecretCheck:
        _, check = self.checks.popitem(last=self._newest_next)
        self._newest_next = not self._newest_next
        check.started = True
        return check


class CheckQueue:
    """Checks that no worker has started, `capacity` at most."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._queues: OrderedDict[Secret, _SecretQueue] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        """The number of waiting checks; equal ones count once."""
        return self._count

    def add(
        self, secret: Secret, given: bytes, on_result: OnResult
    ) -> tuple[SecretCheck, SecretCheck | None]:
        """Queue a check, or join an equal one. Returns the check, and the one that was evicted.

        A check that is joined counts as new, so that its callers are answered soon,
        however many they are.
        """
        queue = self._queues.get(secret)
        if queue is not None and given in queue.checks:
            queue.checks.move_to_end(given)
            queue.checks[given].add(on_result)
            return queue.checks[given], None
        evicted = self._evict() if self._count >= self._capacity else None
        check = SecretCheck(secret, given)
        check.add(on_result)
        self._queues.setdefault(secret, _SecretQueue()).checks[given] = check
        self._count += 1
        return check, evicted

    def cancel(self, check: SecretCheck, on_result: OnResult) -> None:
        """Remove one caller; a check without callers leaves the queue."""
        queue = self._queues.get(check.secret)
        if not check.remove(on_result) or queue is None:
            return
        if queue.checks.get(check.given) is check:
            del queue.checks[check.given]
            self._count -= 1
            if not queue.checks:
                del self._queues[check.secret]

    def _evict(self) -> SecretCheck:
        """Remove the oldest check of the longest queue; its client has most likely given up."""
        secret = max(self._queues, key=lambda secret: len(self._queues[secret].checks))
        queue = self._queues[secret]
        _, check = queue.checks.popitem(last=False)
        self._count -= 1
        if not queue.checks:
            del self._queues[secret]
        return check

    def take(self) -> SecretCheck | None:
        """The next check to make; None when the queue is empty."""
        if not self._queues:
            return None
        secret, queue = self._queues.popitem(last=False)
        check = queue.take()
        self._count -= 1
        if queue.checks:
            self._queues[secret] = queue
        return check

    def clear(self) -> None:
        """Drop every check, unanswered."""
        self._queues.clear()
        self._count = 0
