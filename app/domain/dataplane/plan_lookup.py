"""Which plan a message has, in the plain twin: the one before, one from the cache, or a new one."""

from .inlet import Inlet
from .message import Message
from .own import own
from .plan import Plan
from .plan_cache import PlanCache
from .seam import NOT_KEPT, Plane, Planner


class PlanLookup:
    """Asks the planner, and remembers what it says."""

    __slots__ = ("_planner", "plans", "slow")

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self.plans: PlanCache[Plan] = PlanCache()
        self.slow = False
        """Whether the message at hand had a slow step: the planner was asked, or a refusal sent."""

    def plan_of(self, plane: Plane, inlet: Inlet, message: Message) -> Plan | None:
        """None if the decision takes another turn."""
        plan = inlet.plan
        if plan is None or inlet.planned_for != (self.plans.generation, inlet.audience):
            plan, lasts = self._plan_for(plane, inlet, message)
            inlet.plan = plan if lasts else None
            inlet.planned_for = (self.plans.generation, inlet.audience)
            if plan is not None:
                inlet.note(plan)
        if plan is None and message.member:
            self.slow = True
            return own(Plan, self._planner.plan_failover(plane, message.member, message.subject))
        return plan

    def _plan_for(self, plane: Plane, inlet: Inlet, message: Message) -> tuple[Plan | None, bool]:
        """The plan, or None, and whether it is good for further messages."""
        if message.member:
            return self._member_plan(plane, message.member), True
        subject, audience = message.subject, inlet.audience
        begun, inlet.search = inlet.search, None
        if begun is None or begun[0] != audience:
            plan = self.plans.find(audience, subject)
            if plan is not None:
                return plan, True
            answer = self._planner.plan(plane, audience, subject)
        else:
            answer = begun[1].go_on() or begun[1]
        self.slow = True
        if not isinstance(answer, tuple):
            inlet.search = (audience, answer)
            return None, False
        plan, depth = own(Plan, answer[0]), answer[1]
        if depth != NOT_KEPT:
            self.plans.enter(audience, subject, plan, depth)
        return plan, depth != NOT_KEPT

    def _member_plan(self, plane: Plane, sid: bytes) -> Plan | None:
        """None where the planner is to be asked for each message."""
        plan = self.plans.member(sid)
        if plan is None:
            self.slow = True
            made = self._planner.member(plane, sid)
            if made is None:
                return None
            plan = own(Plan, made)
            self.plans.enter_member(sid, plan)
        return plan

    def plan_now(self, plane: Plane, audience: int, subject: bytes) -> Plan:
        """The plan for a message of the server itself, however long the decision takes."""
        plan = self.plans.find(audience, subject)
        if plan is not None:
            return plan
        answer = self._planner.plan(plane, audience, subject)
        while not isinstance(answer, tuple):
            answer = answer.go_on() or answer
        plan, depth = own(Plan, answer[0]), answer[1]
        if depth != NOT_KEPT:
            self.plans.enter(audience, subject, plan, depth)
        return plan
