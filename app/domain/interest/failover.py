"""Failover: another queue member gets a message whose member has just left.

A server draws a member from what it knows; the member may have left meanwhile. Then

1. another member here gets the message;
2. else, if nobody has sent it on before, one member at another server does;
3. else nobody can.

So a message crosses at most two routes, and reaches at most one member. What is sent
on is marked, where the other server understands that: it gives it to members of its own
alone. gnatsd 0.8.0 gets it as from a publisher's server, and sends nothing on.
"""

from itertools import islice

from ..dataplane.constants import MEMBER_MARK
from ..dataplane.seam import Plan, Plane, Target
from ..peer_kind import PeerKind
from ..subjects.subject import matches, tokens_of
from .index import SubscriptionIndex
from .subscription import Subscription, unweighted
from .tombstones import Tombstones

SENT_ON = b"!"
"""The mark, before the numbers in a sid on routes: ``QRSID:!<cid>:<sid>``."""

SHARED_PLANS = 256
"""Plans that are remembered; they are forgotten at every change of subscriptions."""

MOST_MEMBERS = 256
"""Members at other servers from which one is drawn."""

_MARKED = MEMBER_MARK + SENT_ON

_Key = tuple[bytes, bytes, bool]


def marked(sid: bytes) -> bytes:
    """The sid of a member, for a message that has been sent on."""
    return _MARKED + sid[len(MEMBER_MARK) :]


def unmarked(sid: bytes) -> bytes:
    """The sid of a member as it is known, whether the message has been sent on or not."""
    return MEMBER_MARK + sid[len(_MARKED) :] if sid.startswith(_MARKED) else sid


class Failover:
    """Finds members for messages whose member has left."""

    def __init__(self, index: SubscriptionIndex, tombstones: Tombstones | None = None) -> None:
        """Without `tombstones` no member is known to have left."""
        self._index = index
        self._tombstones = tombstones
        self._made: dict[_Key, Plan] = {}
        self._marking: set[int] = set()
        """Origins whose servers understand the mark."""

    def marks(self, origin: int) -> None:
        """The server of this route understands the mark; what was decided before that is unmarked."""
        self._marking.add(origin)
        self.forget()

    def route_ended(self, origin: int) -> None:
        """Forget what was known of the server of this route."""
        self._marking.discard(origin)

    def left(self, subscription: Subscription, sid: bytes) -> None:
        """A member of a group, known to other servers by this sid, has left."""
        if self._tombstones is not None and subscription.queue is not None:
            self._tombstones.add(unweighted(sid), subscription.queue)

    def is_left(self, sid: bytes) -> bool:
        """Whether a member with this sid left a short time ago; a new one may have it since."""
        return self._tombstones is not None and self._tombstones.group_of(unweighted(sid)) is not None

    def plan(
        self, plane: Plane, sid: bytes, subject: bytes, now: Subscription | None, suspected: set[int]
    ) -> Plan:
        """Who gets a message on this subject that names this sid. `now` is the member that has it now.

        Servers whose origin is `suspected` are passed over, as long as there are others.
        """
        name = unmarked(sid)
        queue = self._tombstones.group_of(unweighted(name)) if self._tombstones is not None else None
        if now is not None and _is_meant(now, queue, subject):
            if now.filter is None or not now.filter.drops(subject):
                return plane.plan((now.target,), ())
            queue = now.queue
        if queue is None:
            return plane.plan((), ())
        return self._plan_for(plane, (queue, subject, name is not sid), suspected)

    def plan_for_group(self, plane: Plane, queue: bytes, subject: bytes, suspected: set[int]) -> Plan:
        """Who gets a message in the place of a member of this group that has left; no more is known of it."""
        return self._plan_for(plane, (queue, subject, False), suspected)

    def _plan_for(self, plane: Plane, key: _Key, suspected: set[int]) -> Plan:
        plan = self._made.get(key)
        if plan is None:
            if len(self._made) >= SHARED_PLANS:
                self._made.clear()
            plan = self._made[key] = self._make(plane, key, suspected)
        return plan

    def _make(self, plane: Plane, key: _Key, suspected: set[int]) -> Plan:
        queue, subject, sent_on = key
        here = self._index.local_parts(queue, subject)
        if here:
            return plane.plan((), (here,))
        if sent_on:
            return plane.plan((), ())
        served = self._index.plain_origins(subject)
        found = (
            member
            for member in self._index.distant_members(queue, subject)
            if _may_take_over(member) and (member.via is None or member.subscriber.origin not in served)
        )
        members = list(islice(found, MOST_MEMBERS))
        distant = [member for member in members if member.subscriber.origin not in suspected] or members
        # The owner counts what a member gets, so one with a limit may have had its last already.
        lasting = [member for member in distant if not member.target.limit] or distant
        group = plane.group()
        for member in lasting:
            group.add(self._distant_target(member))
        return plane.plan((), ((group,),) if lasting else ())

    def _distant_target(self, member: Subscription) -> Target:
        if member.subscriber.kind is PeerKind.LEAF:
            return member.target.under(member.queue or b"")
        if member.subscriber.origin in self._marking:
            return member.target.under(marked(member.sid))
        return member.target.under(member.sid)

    def forget(self) -> None:
        """Subscriptions changed: find members again."""
        self._made.clear()


def _is_meant(member: Subscription, queue: bytes | None, subject: bytes) -> bool:
    """Whether a member is the one that a message names, not a later one with its sid."""
    if queue is None:
        return True
    return member.queue == queue and matches(tokens_of(member.subject), tokens_of(subject))


def _may_take_over(member: Subscription) -> bool:
    """Whether a member that is not here may get what a server of this cluster has drawn another one for."""
    return member.subscriber.kind is not PeerKind.HUB and not member.subscriber.is_closed
