"""The router of requests: from their subjects to the calls, in order, and their answers.

Requests wait in one queue and are served for some milliseconds in a turn. A call may answer later, when
what it did is safe, and may take several turns; then those after it wait. What is unknown has no answer.
"""

from collections import deque
from collections.abc import Callable, Generator, Mapping
from typing import NamedTuple

from ...timers import Scheduler
from ..errors import JetStreamError
from .requests import ApiRequest, Send

PREFIX = b"$JS.API."
SLICE = 0.005
"""Seconds of one turn."""

REQUIRED_LEVEL = b"\r\nNats-Required-Api-Level:"

QUEUE_BYTES = 64 * 2**20
"""Of requests that wait, together."""

MOST_TOKENS = 32
"""Of a consumer's filter within a subject, and what is before it."""

Outcome = Mapping[str, object] | Generator[None, None, Mapping[str, object] | None] | None
"""The fields of the answer; or steps that end with them; or nothing where the call answers by itself."""


class Call(NamedTuple):
    """What to do with a request."""

    kind: str
    """Of the answer, as in its type."""
    run: Callable[[ApiRequest], Outcome]
    always: Mapping[str, object] = {}
    """Fields that an answer has that refuses, too."""
    holds: int = 0
    """Until it is answered, requests wait that begin with the same names, as many as this."""
    level: int = 0
    """The level that requests may ask for here, where it is above that of the API."""


ANY = -1

Names = tuple[str, ...]
"""The tokens of a subject after those of the call, or the first of them."""

Table = Mapping[tuple[str, int], Call]
"""By the words of a call, and how many names follow: `ANY` is two or more."""


class Counters:
    """What `api` says in the account info."""

    def __init__(self) -> None:
        self.total = 0
        self.errors = 0
        self.dropped = 0
        """Requests for which there was no room."""


class Router:
    """Serves requests one by one."""

    def __init__(
        self,
        scheduler: Scheduler,
        table: Table,
        send: Send,
        finished: Callable[[ApiRequest, bytes, JetStreamError | None], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        """`send` gets each answer; `finished` is called after it, `on_failure` for a defect in a call."""
        self._scheduler = scheduler
        self._table = table
        self._send = send
        self._heard = finished
        self._on_failure = on_failure
        self._queue: deque[ApiRequest] = deque()
        self._queued = 0
        """Bytes of all that waits."""
        self._held: dict[Names, deque[ApiRequest]] = {}
        """What waits for the answer to another request, by the names that both begin with."""
        self._released: deque[tuple[Names, deque[ApiRequest]]] = deque()
        """What has waited so: these are next. The rest stays together if one of them holds it again."""
        self._held_count = 0
        """Requests in both."""
        self._steps: tuple[ApiRequest, Call, Generator[None, None, Mapping[str, object] | None]] | None = None
        self._is_due = False
        self.counters = Counters()
        self.queue_limit = 10_000
        self.level = 0
        """The level of the API that is served."""
        self.on_dropped: Callable[[], None] = _nothing
        self.on_idle: Callable[[], None] = _nothing
        """Called when no request waits any more."""

    def __len__(self) -> int:
        """How many requests wait."""
        released = sum(len(waiting) for _, waiting in self._released)
        return len(self._queue) + released + (self._steps is not None)

    @property
    def is_settled(self) -> bool:
        """Whether no request waits, nor one that changes something for its answer."""
        return not (self._has_work or self._held)

    @property
    def _has_work(self) -> bool:
        return bool(self._queue or self._released or self._steps)

    def receive(self, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> None:
        """A message came; without a reply subject nothing happens."""
        if not reply:
            return
        size = len(payload) + len(headers)
        waiting = len(self._queue) + self._held_count
        if waiting >= self.queue_limit or (waiting and self._queued + size > QUEUE_BYTES):
            self.counters.dropped += 1
            self.on_dropped()
            return
        self._queue.append(ApiRequest(subject, headers, payload, reply))
        self._queued += size
        self._schedule()

    def _schedule(self) -> None:
        if not self._is_due and self._has_work:
            self._is_due = True
            self._scheduler.call_soon(self._serve)

    def _serve(self) -> None:
        self._is_due = False
        end = self._scheduler.monotonic() + SLICE
        while self._has_work:
            if self._steps is not None:
                self._go_on(*self._steps)
            elif self._released:
                self._begin_released(*self._released[0])
            else:
                self._begin(self._queue.popleft())
            if self._scheduler.monotonic() >= end:
                break
        if not self._has_work:
            self.on_idle()
        self._schedule()

    def _begin_released(self, names: Names, waiting: deque[ApiRequest]) -> None:
        """The next of those that have waited; if these have to wait on they do, as they are."""
        if names not in self._held:
            self._held_count -= 1
            self._begin(waiting.popleft())
        if names in self._held:
            waiting.extend(self._held[names])
            self._held[names] = waiting
        if names in self._held or not waiting:
            self._released.popleft()

    def _begin(self, request: ApiRequest) -> None:
        self._queued -= len(request.payload) + len(request.headers)
        found = self._find(request.subject)
        if found is None:
            return
        call, names = found
        for end in (1, 2):
            if names[:end] in self._held:
                self._hold(request, names[:end])
                return
        if call.holds:
            request.holds = names[: call.holds]
            self._held[request.holds] = deque()
        request.begin(call.kind, names, self._finish)
        self._guard(request, call, lambda: self._run(request, call))

    def _hold(self, request: ApiRequest, names: Names) -> None:
        """It waits for the answer to another one, which changes what it asks for."""
        self._held[names].append(request)
        self._held_count += 1
        self._queued += len(request.payload) + len(request.headers)

    def _let_go(self, names: Names) -> None:
        waiting = self._held.pop(names)
        if waiting:
            self._released.append((names, waiting))
            self._schedule()

    def _find(self, subject: bytes) -> tuple[Call, Names] | None:
        """The call, and the names after it. After the API's prefix there may be that of a domain."""
        tokens = subject.decode("utf-8", "replace").split(".")
        words = tokens[tokens.index("API", 1) + 1 :]
        if len(words) > MOST_TOKENS:
            return None
        for count in range(min(3, len(words)), 0, -1):
            names = tuple(words[count:])
            verb = ".".join(words[:count])
            call = self._table.get((verb, len(names)))
            if call is None and len(names) > 1:
                call = self._table.get((verb, ANY))
            if call is not None:
                return call, names
        return None

    def _run(self, request: ApiRequest, call: Call) -> None:
        self._check_level(request, max(self.level, call.level))
        outcome = call.run(request)
        if isinstance(outcome, Generator):
            self._steps = request, call, outcome
        elif outcome is not None:
            request.answer(outcome)

    def _go_on(
        self, request: ApiRequest, call: Call, steps: Generator[None, None, Mapping[str, object] | None]
    ) -> None:
        """One step more."""
        self._steps = None

        def advance() -> None:
            try:
                next(steps)
            except StopIteration as end:
                if end.value is not None:
                    request.answer(end.value)
            else:
                self._steps = request, call, steps

        self._guard(request, call, advance)

    def _guard(self, request: ApiRequest, call: Call, run: Callable[[], None]) -> None:
        """Answer with what it raises; a defect is one, too, and reported."""
        try:
            run()
        except JetStreamError as error:
            request.refuse(error, call.always)
        except Exception as error:  # noqa: BLE001 - a defect costs one request
            self._on_failure(error)
            request.refuse(JetStreamError(10051, "internal error"), call.always)

    @staticmethod
    def _check_level(request: ApiRequest, level: int) -> None:
        place = request.headers.find(REQUIRED_LEVEL)
        if place < 0:
            return
        value = request.headers[place + len(REQUIRED_LEVEL) :].split(b"\r\n", 1)[0].strip()
        if not value.isdigit() or int(value[:9]) > level:
            raise JetStreamError(10185)

    def _finish(self, request: ApiRequest, text: bytes, error: JetStreamError | None) -> None:
        self.counters.total += 1
        self.counters.errors += error is not None
        self._send(request.reply, text, request.answer_headers if error is None else b"")
        self._heard(request, text, error)
        if request.holds:
            self._let_go(request.holds)


def _nothing() -> None:
    """The default for callbacks: does nothing."""
