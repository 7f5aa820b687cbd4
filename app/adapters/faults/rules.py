"""Fault rules: the traffic that they match, and what they do to it."""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, Self

from ...domain.subjects.subject import matches, tokens_of
from .frames import Frame

IN, OUT, BOTH = "in", "out", "both"
"""Directions, as the server sees them: what peers send to it, and what it sends to them."""


Run = Callable[[Callable[[], None]], None]
"""Calls something in the thread of a server."""


class FaultKind(Enum):
    """What a rule does."""

    CUT = "cut"
    STALL = "stall"
    DELAY = "delay"
    DROP = "drop"
    DUPLICATE = "duplicate"
    REFUSE = "refuse"
    ERROR = "error"
    LIMIT = "limit"
    LAME_DUCK = "lame_duck"
    PARTITION = "partition"
    ONE_WAY = "one_way"


ON_MESSAGES = frozenset(
    {FaultKind.CUT, FaultKind.DELAY, FaultKind.DROP, FaultKind.DUPLICATE, FaultKind.ERROR}
)

LOSING = frozenset({FaultKind.CUT, FaultKind.DROP, FaultKind.ERROR, FaultKind.REFUSE, FaultKind.ONE_WAY})
"""Those by which what is hit does not pass."""

ABOUT_SERVERS = frozenset({FaultKind.LIMIT, FaultKind.LAME_DUCK})
"""Those that are about a server, and not about its traffic."""


class FaultPeer(Protocol):
    """The other end of a link, as rules know it."""

    cid: int
    is_route: bool
    name: str
    user: str

    def queue_of(self, sid: bytes) -> str:
        """The queue group of one of its subscriptions; empty for none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which links and which frames are meant; what is not given does not matter."""

    subject: str = ""
    """A pattern."""
    client: str | None = None
    """The name of a client."""
    cid: int | None = None
    user: str | None = None
    queue: str | None = None
    """The queue group that a message is delivered to."""
    route: str | None = None
    """The name of another server, or ``*`` for each."""
    direction: str = IN

    def takes_link(self, peer: FaultPeer) -> bool:
        """Whether the link is meant."""
        if (self.route is not None) != peer.is_route:
            return False
        return (
            self.route in (None, "*", peer.name)
            and self.client in (None, peer.name)
            and self.cid in (None, peer.cid)
            and self.user in (None, peer.user)
        )

    def takes(self, peer: FaultPeer, direction: str, frame: Frame) -> bool:
        """Whether a message is meant."""
        return (
            frame.is_message
            and self.direction in (direction, BOTH)
            and self.takes_link(peer)
            and (
                not self.subject
                or matches(tokens_of(self.subject.encode()), tokens_of(frame.subject.encode()))
            )
            and (self.queue is None or (direction == OUT and peer.queue_of(frame.sid) == self.queue))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Which of the chosen messages are hit; all by default. Zero is what was not given."""

    on: int = 0
    """The n-th alone."""
    every: int = 0
    """Each n-th."""
    times: int = 0
    """The greatest number of hits."""
    probability: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.on, self.every, self.times) < 0 or not 0 <= self.probability <= 1:
            raise ValueError("on, every and times are counts from 1 on, and a probability is from 0 to 1")


class Tally:
    """Counts what is chosen, for one rule, or for several that count together."""

    __slots__ = ("_chance", "_count", "_hits", "_seen")

    def __init__(self, count: Count) -> None:
        self._count = count
        self._seen = self._hits = 0
        self._chance = random.Random(count.seed)  # noqa: S311 - to be repeatable

    def strikes(self) -> bool:
        """Whether one more of what is chosen is hit; it counts."""
        count = self._count
        if count.times and self._hits >= count.times:
            return False
        self._seen += 1
        if (count.on and self._seen != count.on) or (count.every and self._seen % count.every):
            return False
        if count.probability < 1 and self._chance.random() >= count.probability:
            return False
        self._hits += 1
        return True


class Rule:
    """A fault that is active until it is cleared; as a context manager, until its block ends."""

    def __init__(  # noqa: PLR0913 - by name, and most have a default
        self,
        kind: FaultKind,
        selector: Selector,
        tally: Tally,
        *,
        seconds: float = 0.0,
        copies: int = 0,
        text: str = "",
        max_payload: int = 0,
        server_id: Callable[[], str] = str,
        run: Run,
    ) -> None:
        """`server_id` is asked for the server at the other end of a route.

        `run` calls what changes the server, in its thread.
        """
        self.kind = kind
        self.selector = selector
        self.seconds = seconds
        self.copies = copies
        self.text = text
        self.max_payload = max_payload
        self.server_id = server_id
        self.hits = 0
        """How often it has done something."""
        self.is_active = True
        self.on_clear: Callable[[], None] | None = None
        """Called once when it is cleared."""
        self._tally = tally
        self._run = run

    def strikes(self) -> bool:
        """Whether one more chosen message is hit; it counts."""
        if not self.is_active or not self._tally.strikes():
            return False
        self.hits += 1
        return True

    def is_about(self, kinds: Collection[FaultKind]) -> bool:
        """Whether it is active, and of one of these kinds."""
        return self.is_active and self.kind in kinds

    def clear(self) -> None:
        """End it. Without effect when it is over."""
        self._run(self._clear)

    def _clear(self) -> None:
        self.is_active = False
        on_clear, self.on_clear = self.on_clear, None
        if on_clear is not None:
            on_clear()

    def must_hit(self) -> None:
        """Raise `AssertionError` if it has done nothing."""
        if not self.hits:
            raise AssertionError(f"no traffic was hit by {self}")

    def __str__(self) -> str:
        return f"{self.words}: {self.hits} hits{'' if self.is_active else ', cleared'}"

    @property
    def words(self) -> str:
        """What it is, and what it chooses."""
        selector = self.selector
        chosen = {
            "subject": selector.subject or None,
            "client": selector.client,
            "cid": selector.cid,
            "user": selector.user,
            "queue": selector.queue,
            "route": selector.route,
        }
        words = ", ".join(f"{name}={value!r}" for name, value in chosen.items() if value is not None)
        return f"{self.kind.value}({words})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.clear()
