"""The routing policy: from who listens to a plan (subjects-and-routing.md, section 5).

All plain subscriptions get the message, then one member of each queue group,
drawn by the data plane for each message. A publisher is a receiver like any other.

In a cluster (cluster-protocol.md, section 6) another server gets a message once,
however many plain subscriptions it told of, and finds out by itself who they are.
The members of a queue group are drawn from all servers that answer. What came over
a route goes to local clients only: to all plain ones, or to the one member that the
other server has drawn.
"""

from collections.abc import Callable, Iterable
from typing import Final

from app.domain.dataplane.seam import Plan, Plane
from app.domain.errors import InvalidSubject
from app.domain.index import SubscriptionIndex
from app.domain.stand_ins import StandIns, unmarked
from app.domain.subject import is_literal
from app.domain.subscription import LOCAL, Subscription
from app.domain.trie import Match


class Audience:
    """What distinguishes publishers that get different plans for one subject; plain numbers, for speed."""

    LENIENT: Final = 0
    PEDANTIC: Final = 1
    """Subjects with wildcards or empty tokens are refused."""
    ROUTED: Final = 2
    """Other servers: local plain subscriptions get the message, and nobody else."""


SHARED_PLANS = 4096
"""Plans remembered for sharing; more are made anew, which costs only memory."""

FindMember = Callable[[bytes], Subscription | None]
"""The local subscription that other servers know by this sid, if there is one."""

_Key = tuple[bool, tuple[Subscription, ...], tuple[tuple[Subscription, ...], ...]]


class Routing:
    """Makes plans. Subjects with the same receivers share one."""

    def __init__(
        self,
        index: SubscriptionIndex[Subscription],
        find_member: FindMember = lambda _sid: None,
        stand_ins: StandIns | None = None,
    ) -> None:
        self._index = index
        self._find_member = find_member
        self.stand_ins = stand_ins or StandIns(index)
        self._made: dict[_Key, Plan] = {}
        self._refusal: Plan | None = None
        self.mourning = False
        """Whether there are subscriptions in the index whose connection is closed."""
        self.doubted: set[int] = set()
        """Origins whose servers do not answer."""

    def plan(self, plane: Plane, audience: int, subject: bytes) -> Plan:
        """Decide who gets a message on this subject from such a publisher."""
        if audience == Audience.PEDANTIC and not is_literal(subject):
            if self._refusal is None:
                self._refusal = plane.plan((), (), InvalidSubject().wire())
            return self._refusal
        match = self._index.match(subject)
        routed = audience == Audience.ROUTED
        key = (routed, match.plain, match.groups)
        plan = self._made.get(key)
        if plan is None:
            if len(self._made) >= SHARED_PLANS:
                self._made.clear()
            plan = self._made[key] = self._make(plane, match, routed=routed)
        return plan

    def _make(self, plane: Plane, match: Match[Subscription], *, routed: bool) -> Plan:
        receivers = _local(match.plain) if routed else _each_server_once(match.plain)
        groups: Iterable[Iterable[Subscription]] = () if routed else match.groups
        if self.mourning:
            receivers = _living(receivers)
            groups = filter(None, map(_living, groups))
        if self.doubted:
            groups = map(self._undoubted, groups)
        plain = [subscription.target for subscription in receivers]
        return plane.plan(plain, [[member.target for member in group] for group in groups])

    def _undoubted(self, group: Iterable[Subscription]) -> list[Subscription]:
        """Those that will hear of it; all, where that is nobody."""
        members = list(group)
        return [one for one in members if one.subscriber.origin not in self.doubted] or members

    def member(self, plane: Plane, sid: bytes) -> Plan | None:
        """Only the member of a queue group gets the message that another server has drawn."""
        if unmarked(sid) is not sid or self.stand_ins.is_left(sid):
            return None
        subscription = self._find_member(sid)
        return plane.plan((), ()) if subscription is None else plane.plan((subscription.target,), ())

    def stand_in(self, plane: Plane, sid: bytes, subject: bytes) -> Plan:
        """The member may have left: then another one of its group gets the message."""
        return self.stand_ins.plan(plane, sid, subject, self._find_member(unmarked(sid)), self.doubted)

    def decisive(self, subject: bytes) -> int:
        """How many leading tokens decided the plan; see `seam.Planner`."""
        return self._index.decisive(subject)

    def forget(self) -> None:
        """Receivers changed: share no plan with the time before."""
        self._made.clear()
        self.stand_ins.forget()


def _living(subscriptions: Iterable[Subscription]) -> list[Subscription]:
    return [subscription for subscription in subscriptions if not subscription.subscriber.gone]


def _local(subscriptions: Iterable[Subscription]) -> list[Subscription]:
    return [subscription for subscription in subscriptions if subscription.subscriber.origin == LOCAL]


def _each_server_once(subscriptions: Iterable[Subscription]) -> list[Subscription]:
    """All local ones, and the first of each route."""
    chosen = []
    told = set()
    for subscription in subscriptions:
        origin = subscription.subscriber.origin
        if origin not in told:
            chosen.append(subscription)
            if origin != LOCAL:
                told.add(origin)
    return chosen
