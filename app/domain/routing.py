"""The routing policy: from who listens to a plan (subjects-and-routing.md, section 5).

All plain subscriptions get the message, then one member of each queue group,
drawn by the data plane for each message. A publisher is a receiver like any other.
"""

from typing import Final

from app.domain.dataplane.seam import Plan, Plane
from app.domain.errors import InvalidSubject
from app.domain.index import SubscriptionIndex
from app.domain.subject import is_literal
from app.domain.subscription import Subscription


class Audience:
    """What distinguishes publishers that get different plans for one subject; plain numbers, for speed."""

    LENIENT: Final = 0
    PEDANTIC: Final = 1
    """Subjects with wildcards or empty tokens are refused."""


SHARED_PLANS = 4096
"""Plans remembered for sharing; more are made anew, which costs only memory."""

_Key = tuple[tuple[Subscription, ...], tuple[tuple[Subscription, ...], ...]]


class Routing:
    """Makes plans. Subjects with the same receivers share one."""

    def __init__(self, index: SubscriptionIndex[Subscription]) -> None:
        self._index = index
        self._made: dict[_Key, Plan] = {}
        self._refusal: Plan | None = None

    def plan(self, plane: Plane, audience: int, subject: bytes) -> Plan:
        """Decide who gets a message on this subject from such a publisher."""
        if audience == Audience.PEDANTIC and not is_literal(subject):
            if self._refusal is None:
                self._refusal = plane.plan((), (), InvalidSubject().wire())
            return self._refusal
        match = self._index.match(subject)
        key = (match.plain, match.groups)
        plan = self._made.get(key)
        if plan is None:
            if len(self._made) >= SHARED_PLANS:
                self._made.clear()
            plain = [subscription.target for subscription in match.plain]
            groups = [[subscription.target for subscription in group] for group in match.groups]
            plan = self._made[key] = plane.plan(plain, groups)
        return plan

    def member(self, plane: Plane, sid: bytes) -> Plan:  # noqa: ARG002 - no sid is known to any peer
        """Nobody: queue members are not offered to peer servers, so none is named by one."""
        return plane.plan((), ())

    def decisive(self, subject: bytes) -> int:
        """How many leading tokens decided the plan; see `seam.Planner`."""
        return self._index.decisive(subject)

    def forget(self) -> None:
        """Receivers changed: share no plan with the time before."""
        self._made.clear()
