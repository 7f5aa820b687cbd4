"""Requests that wait, in turn.

Requests that are served under the same conditions share a lane, so that the next one is found without
a search among thousands. Ended ones stay in their lane, marked, until they come to its head or are too
many.
"""

import heapq
from collections import deque
from collections.abc import Iterator
from itertools import islice

from .requests import PullRequest


class WaitingRequests:
    """All requests of one consumer."""

    __slots__ = ("_alarms", "_lanes", "_stored", "_turn", "count", "one_shots", "replies", "wanted")

    def __init__(self) -> None:
        self._lanes: dict[object, deque[PullRequest]] = {}
        self._alarms: list[tuple[int, int, PullRequest]] = []
        self._turn = 0
        self._stored = 0
        self.count = 0
        """Requests that wait."""
        self.wanted = 0
        """Messages that they ask for, together."""
        self.replies: dict[bytes, int] = {}
        """How many of them have this reply subject."""
        self.one_shots: dict[PullRequest, None] = {}
        """Those that end when no more messages are there."""

    def add(self, request: PullRequest) -> None:
        """Put it at the end of its lane."""
        self._push(request)
        self.count += 1
        self.replies[request.reply] = self.replies.get(request.reply, 0) + 1
        self.wanted += request.wanted
        if request.ends_with_stream:
            self.one_shots[request] = None

    def _push(self, request: PullRequest) -> None:
        self._turn += 1
        request.turn = self._turn
        lane = self._lanes.get(request.lane)
        if lane is None:
            lane = self._lanes[request.lane] = deque()
        lane.append(request)
        self._stored += 1

    @property
    def lanes(self) -> list[object]:
        """Lanes with waiting requests."""
        return [lane for lane in list(self._lanes) if self.head(lane) is not None]

    def head(self, lane: object) -> PullRequest | None:
        """Whose turn it is there."""
        waiting = self._lanes.get(lane)
        while waiting:
            if not waiting[0].done:
                return waiting[0]
            waiting.popleft()
            self._stored -= 1
        self._lanes.pop(lane, None)
        return None

    def served(self, request: PullRequest) -> None:
        """The head of its lane got a message: it goes to the end, or ends."""
        request.delivered += 1
        request.wanted -= 1
        self.wanted -= 1
        if request.wanted <= 0:
            self.end(request)
            return
        if request.no_wait:
            self.one_shots[request] = None
        lane = self._lanes[request.lane]
        if len(lane) > 1:
            lane.append(lane.popleft())
        self._turn += 1
        request.turn = self._turn

    def set_aside(self, request: PullRequest) -> None:
        """Take the head out of its lane; `put_back` ends that."""
        self._lanes[request.lane].popleft()
        self._stored -= 1

    def put_back(self, requests: list[PullRequest]) -> None:
        """They were set aside: put them at the end of their lanes."""
        for request in requests:
            if not request.done:
                self._push(request)

    def move(self, request: PullRequest, lane: object) -> None:
        """Put the head of its lane into another one."""
        self.set_aside(request)
        request.lane = lane
        self._push(request)

    def shrink(self, request: PullRequest, wanted: int) -> None:
        """It asks for fewer messages from now on."""
        self.wanted -= request.wanted - wanted
        request.wanted = wanted

    def end(self, request: PullRequest) -> None:
        """It waits no more."""
        request.done = True
        self.count -= 1
        self.replies[request.reply] -= 1
        if not self.replies[request.reply]:
            del self.replies[request.reply]
        self.wanted -= max(0, request.wanted)
        self.one_shots.pop(request, None)
        if self._stored > 2 * self.count + 64:
            self._sweep()
        if len(self._alarms) > 2 * self.count + 64:
            self._alarms = [entry for entry in self._alarms if not entry[2].done]
            heapq.heapify(self._alarms)

    def _sweep(self) -> None:
        for lane, waiting in list(self._lanes.items()):
            kept = deque(request for request in waiting if not request.done)
            if kept:
                self._lanes[lane] = kept
            else:
                del self._lanes[lane]
        self._stored = sum(map(len, self._lanes.values()))

    def watch(self, request: PullRequest) -> None:
        """Have `take_due` return it when it expires, or is to get a heartbeat."""
        due = request.next_due
        if due:
            self._turn += 1
            heapq.heappush(self._alarms, (due, self._turn, request))

    @property
    def next_due(self) -> int | None:
        """When `take_due` may have something; None for never."""
        alarms = self._alarms
        while alarms and alarms[0][2].done:
            heapq.heappop(alarms)
        return alarms[0][0] if alarms else None

    def take_due(self, now: int) -> PullRequest | None:
        """A request that is due; it has to be watched again, or ended."""
        due = self.next_due
        if due is None or due > now:
            return None
        return heapq.heappop(self._alarms)[2]

    def __iter__(self) -> Iterator[PullRequest]:
        for waiting in list(self._lanes.values()):
            for request in waiting:
                if not request.done:
                    yield request

    def some(self, count: int) -> list[PullRequest]:
        """Some of those that wait, at most `count`."""
        return list(islice(self, count))
