"""Redial: the time of the next attempt to reach a hub, and its address.

One address is tried after the other. After each failure there is a pause, which varies by chance, so
that the servers of a cluster that lost its hub do not dial it in step; it is doubled after each round.
"""

from collections.abc import Callable, Sequence

from ..dataplane.draw import Draw
from ..events import EventSink
from ..sessions.wire import Handler, Wire
from ..timers import Scheduler, Timer
from .events import LeafDialling, LeafUnreachable
from .leaf_url import LeafUrl, read_leaf_address
from .settings import LeafRemote

LONG_PAUSE = 30.0
"""Seconds until a hub is dialled again that refuses us for what we are; no other pause grows longer."""

MOST_DISCOVERED = 64
"""Addresses that are kept of those which a hub has named."""

_STEPS = 1 << 16
_MOST_DOUBLINGS = 16


class LeafRedial:
    """One remote: its addresses, and the link to one of them or the next attempt."""

    def __init__(
        self,
        remote: LeafRemote,
        scheduler: Scheduler,
        events: EventSink,
        draw: Draw,
        open_link: Callable[["LeafRedial", LeafUrl, Wire], Handler],
    ) -> None:
        """`open_link` makes a session of a link."""
        self.remote = remote
        self._scheduler = scheduler
        self._events = events
        self._draw = draw
        self._open_link = open_link
        urls = list(remote.settings.urls)
        self._configured = self._shuffled(urls) if remote.settings.randomize else urls
        self._discovered: list[LeafUrl] = []
        self._next = 0
        self._attempts = 0
        self._timer: Timer | None = None
        self._stopped = False
        self.started = False
        """Whether it was dialled at least once."""
        self._leaving: LeafUrl | None = None
        """A hub that is in lame duck mode: it is passed over once, if there are others."""

    @property
    def stopped(self) -> bool:
        """Whether nothing is dialled any more."""
        return self._stopped

    @property
    def attempts(self) -> int:
        """Attempts in a row that led to no link."""
        return self._attempts

    def start(self) -> None:
        """Dial now."""
        self.started = True
        self._dial()

    def stop(self) -> None:
        """Dial no more; a link that is there stays."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        self.remote.dialer.close()

    def discovered(self, addresses: Sequence[str]) -> None:
        """A hub has named its addresses, and those of its cluster; they take the place of earlier ones."""
        if self.remote.settings.ignore_discovered:
            return
        found = [read_leaf_address(address) for address in addresses[:MOST_DISCOVERED]]
        urls = dict.fromkeys(url for url in found if url is not None and url not in self._configured)
        self._discovered = self._shuffled(list(urls))

    def established(self) -> None:
        """There is a link, and its handshake is over."""
        self._attempts = 0

    def lost(self, reason: str, *, refused: bool, was_up: bool) -> None:
        """The link is gone. `refused`: it is of no use to try again soon; `was_up`: it has been one."""
        if self._stopped:
            return
        if not was_up:
            self._note_failure(self._url(self._next - 1), reason)
        if self._leaving is not None:
            self._wait(0.0)
        else:
            self._wait(LONG_PAUSE if refused else self._pause())

    def leave(self, url: LeafUrl) -> bool:
        """The hub at this address is about to stop. Whether there is another address to dial."""
        if all(each == url for each in self._urls()):
            return False
        self._leaving = url
        return True

    # --- dialling --------------------------------------------------------------------------

    def _urls(self) -> list[LeafUrl]:
        return [*self._configured, *self._discovered]

    def _url(self, number: int) -> LeafUrl:
        urls = self._urls()
        return urls[number % len(urls)]

    def _dial(self) -> None:
        self._timer = None
        if self._stopped:
            return
        url = self._url(self._next)
        if url == self._leaving:
            self._next += 1
            url = self._url(self._next)
        self._leaving = None
        self._next += 1
        self._events.record(LeafDialling(None, url.address))
        self.remote.dialer.dial(
            url, lambda wire: self._open_link(self, url, wire), lambda reason: self._refused(url, reason)
        )

    def _refused(self, url: LeafUrl, reason: str) -> None:
        if not self._stopped:
            self._note_failure(url, reason)
            self._wait(self._pause())

    def _note_failure(self, url: LeafUrl, reason: str) -> None:
        """Count it; the log has the 1st, the 2nd, the 4th, the 8th … in a row."""
        self._attempts += 1
        if self._attempts & (self._attempts - 1) == 0:
            self._events.record(LeafUnreachable(None, url.address, self._attempts, reason))

    def _pause(self) -> float:
        """Seconds, doubled after each round over all addresses; less than `LONG_PAUSE`, unless configured."""
        least = self.remote.settings.reconnect
        rounds = max(0, self._attempts - 1) // len(self._urls())
        return max(least, min(least * 2.0 ** min(rounds, _MOST_DOUBLINGS), LONG_PAUSE))

    def _wait(self, delay: float) -> None:
        """Dial after this pause, in seconds, which is varied at random."""
        if self._timer is not None:
            self._timer.cancel()
        chance = 0.75 + 0.5 * self._draw.below(_STEPS) / _STEPS
        self._timer = self._scheduler.call_later(delay * chance, self._dial)

    def _shuffled(self, urls: list[LeafUrl]) -> list[LeafUrl]:
        """In random order."""
        for last in range(len(urls) - 1, 0, -1):
            other = self._draw.below(last + 1)
            urls[last], urls[other] = urls[other], urls[last]
        return urls
