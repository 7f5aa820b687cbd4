"""The routing policy: from who listens to a plan (subjects-and-routing.md, section 5).

All plain subscriptions get the message, then one member of each queue group,
drawn by the data plane for each message. A publisher is a receiver like any other.

In a cluster (cluster-protocol.md, section 6) another server gets a message once,
however many plain subscriptions it told of, and finds out by itself who they are.
The members of a queue group are drawn from all servers that answer. What came over
a route goes to local clients only: to all plain ones, or to the one member that the
other server has drawn.

A decision may have to look at very much: subscriptions with wildcards in all
combinations, or a hundred thousand receivers. So it is made in steps, and goes on in
the next turn when the time of this one is used up.
"""

from collections.abc import Callable, Generator, Iterable
from typing import Final

from app.domain.dataplane.seam import NOT_KEPT, Decision, Group, Plan, Plane, Search, Target
from app.domain.interest.failover import Failover, unmarked
from app.domain.interest.index import Listed, QueueGroup, SubscriptionIndex
from app.domain.interest.subscription import LOCAL, Subscription
from app.domain.peer_kind import PeerKind, heard_by
from app.domain.protocol.errors import InvalidSubject
from app.domain.subjects.subject import is_literal
from app.domain.subjects.trie import LOOK, Match, Node


class Audience:
    """What distinguishes publishers that get different plans for one subject; plain numbers, for speed."""

    LENIENT: Final = 0
    PEDANTIC: Final = 1
    """Subjects with wildcards or empty tokens are refused."""
    ROUTED: Final = 2
    """Other servers: local plain subscriptions get the message, and nobody else."""


SHARED_PLACES = 512 * 1024
"""References that plans remembered for sharing, and their keys, may hold: some megabytes.
More are made anew, which costs only memory."""

PLAN_PLACES = 32
"""What a plan costs beside its references, in as many of these."""

FindMember = Callable[[bytes], Subscription | None]
"""The local subscription that other servers know by this sid, if there is one."""

_SERVED_BY_ROUTES = heard_by(PeerKind.ROUTE)
"""The kinds of peers that messages of routes are for: those whose subscriptions routes are told of."""

_Key = tuple[bool, tuple[Node[Listed], ...]]
_Steps = Generator[None, None, Decision]


class _Search:
    """A decision in the making. Implements `seam.Search`."""

    __slots__ = ("_plane", "_steps")

    def __init__(self, plane: Plane, steps: _Steps) -> None:
        self._plane = plane
        self._steps = steps

    def go_on(self) -> Decision | None:
        """At least one step."""
        try:
            while True:
                next(self._steps)
                if self._plane.is_over():
                    return None
        except StopIteration as end:
            decision: Decision = end.value
            return decision


class Routing:
    """Makes plans. Subjects with the same receivers share one."""

    def __init__(
        self,
        index: SubscriptionIndex,
        find_member: FindMember = lambda _sid: None,
        failover: Failover | None = None,
    ) -> None:
        self._index = index
        self._find_member = find_member
        self.failover = failover or Failover(index)
        self._made: dict[_Key, Plan] = {}
        self._places = 0
        self._version = 0
        """Grows when receivers change."""
        self._refusal: Plan | None = None
        self.suspected: set[int] = set()
        """Origins whose servers do not answer."""
        self.matches = 0
        """Subjects that were looked for in the index, ever."""

    def plan(self, plane: Plane, audience: int, subject: bytes) -> Decision | Search:
        """Decide who gets a message on this subject from such a publisher."""
        if audience == Audience.PEDANTIC and not is_literal(subject):
            if self._refusal is None:
                self._refusal = plane.plan((), (), InvalidSubject().wire())
            return self._refusal, subject.count(b".") + 1
        self.matches += 1
        search = _Search(plane, self._decide(plane, subject, routed=audience == Audience.ROUTED))
        return search.go_on() or search

    def _decide(self, plane: Plane, subject: bytes, *, routed: bool) -> _Steps:
        version = self._version
        match = yield from self._index.search(subject)
        key = (routed, match.ends)
        plan = self._made.get(key) if version == self._version else None
        if plan is None:
            plan, places = yield from self._make(plane, match, routed=routed)
            if version == self._version:
                self._share(key, plan, places)
        return plan, match.decisive if version == self._version else NOT_KEPT

    def _share(self, key: _Key, plan: Plan, places: int) -> None:
        self._places += places + len(key[1]) + PLAN_PLACES
        if self._places > SHARED_PLACES:
            self.forget_shared()
        else:
            self._made[key] = plan

    def _make(
        self, plane: Plane, match: Match[Listed], *, routed: bool
    ) -> Generator[None, None, tuple[Plan, int]]:
        """A plan for those at the nodes, and how many references it holds."""
        plain: list[Target] = []
        groups: dict[bytes, list[QueueGroup]] = {}
        served: set[int] = set()
        steps = 0
        for node in match.ends:
            receivers = self._index.plain(node)
            for start in range(0, len(receivers), LOOK):
                plain += _choose(receivers[start : start + LOOK], served, routed=routed)
                if start:
                    yield
            for group in () if routed else self._index.groups(node):
                groups.setdefault(group.queue, []).append(group)
                steps += 1
            steps += 1
            if steps >= LOOK:
                steps = 0
                yield
        parts: list[list[Group]] = []
        for named in groups.values():
            parts.append(self._parts(named))
            if len(parts) % LOOK == 0:
                yield
        return plane.plan(plain, parts), len(plain) + sum(map(len, parts))

    def _parts(self, groups: Iterable[QueueGroup]) -> list[Group]:
        """The members, without those that will not hear of it; all, where that leaves nobody."""
        parts = [(origin, part.members) for group in groups for origin, part in group.parts.items()]
        answering = [members for origin, members in parts if origin not in self.suspected]
        return answering or [members for _, members in parts]

    def member(self, plane: Plane, sid: bytes) -> Plan | None:
        """Only the member of a queue group gets the message that another server has drawn."""
        if unmarked(sid) is not sid or self.failover.is_left(sid):
            return None
        subscription = self._find_member(sid)
        return plane.plan((), ()) if subscription is None else plane.plan((subscription.target,), ())

    def plan_failover(self, plane: Plane, sid: bytes, subject: bytes) -> Plan:
        """The member may have left: then another one of its group gets the message."""
        return self.failover.plan(plane, sid, subject, self._find_member(unmarked(sid)), self.suspected)

    def forget(self) -> None:
        """Receivers changed: share no plan with the time before."""
        self._version += 1
        self.forget_shared()
        self.failover.forget()

    def forget_shared(self) -> None:
        """Share no plan with what comes."""
        self._made.clear()
        self._places = 0


def _choose(subscriptions: Iterable[Subscription], served: set[int], *, routed: bool) -> list[Target]:
    """The targets of all local ones, and of the first of each other server.

    A message that is `routed` goes to no route again. `served` are the servers that have one already.
    """
    chosen = []
    for subscription in subscriptions:
        origin = subscription.subscriber.origin
        if origin == LOCAL:
            chosen.append(subscription.target)
        elif origin not in served and (not routed or subscription.subscriber.kind in _SERVED_BY_ROUTES):
            served.add(origin)
            chosen.append(subscription.target)
    return chosen
