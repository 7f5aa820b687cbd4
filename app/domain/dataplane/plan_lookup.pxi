"""Which plan a message has, in the compiled twin: the one before, one from the cache, or a new one."""

# Uses of brief: Brief, Briefs
# Uses of inlet: Inlet
# Uses of line_memo: Memo, note_plan
# Uses of message: Message
# Uses of plan: Plan
# Uses of plan_cache: PlanCache

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t

from . import seam

cdef int64_t NOT_KEPT = seam.NOT_KEPT


@cython.final
@cython.no_gc_clear  # as for the plane
cdef class PlanLookup:
    """See `plan_lookup.PlanLookup`."""

    cdef object planner
    cdef PlanCache plans
    cdef Briefs briefs
    cdef bint slow  # whether the message at hand had a slow step

    def __cinit__(self, planner, seed):
        self.planner = planner
        self.plans = PlanCache(seed)

    cdef inline Plan plan_of(self, plane, Inlet inlet, Message *message, Memo *memo):
        """The plan for a message: that of the one before, if it is for the same subject or member.

        Else the one that is noted for its line in `memo`, or that of the cache, which is noted then.
        """
        cdef bint for_member = message.member_size != 0
        cdef const char *name = message.line + (message.member if for_member else message.subject)
        cdef Py_ssize_t count = message.member_size if for_member else message.subject_size
        cdef Plan plan
        cdef Brief brief
        cdef bint lasts = True
        if inlet.remembers(self.plans.generation, name, count, for_member):
            return inlet.plan
        if for_member:
            plan = self.member_plan(plane, name, count)
            if plan is None:
                inlet.plan = None
                return self.plan_failover(plane, message)
        else:
            brief = self.briefs.at(name, count) if unlikely(len(self.briefs.known) > 0) else None
            plan = self.noted(memo, inlet) if brief is None else None
            if brief is not None:
                plan = self.plan_with(plane, inlet, message, brief, memo, &lasts)
            elif plan is None:
                plan = self.plan_for(plane, inlet, name, count, memo, &lasts)
        if lasts:
            inlet.remember(plan, self.plans.generation, name, count, for_member)
        else:
            inlet.plan = None
            if plan is not None:
                inlet.note(plan)
        return plan

    cdef inline Plan noted(self, Memo *memo, Inlet inlet):
        """The plan that is noted where the line is kept, if it is good for this publisher."""
        if memo.plan is NULL or memo.generation != self.plans.generation or memo.audience != inlet.audience:
            return None
        if inlet.search is not None:
            return None
        self.plans.hits += 1
        return <Plan>memo.plan

    cdef Plan plan_with(
        self, plane, Inlet inlet, Message *message, Brief brief, Memo *memo, bint *lasts
    ):
        """The plan for a subject that has a brief subscription: nobody else gets the message, as a rule."""
        cdef const char *subject = message.line + message.subject
        cdef bint traced = inlet.traces and message.header != 0  # a trace names subscriptions
        cdef Memo unused
        cdef Plan plan
        unused.message.line_size = 0
        plan = self.plan_for(plane, inlet, subject, message.subject_size, &unused, lasts)
        if plan is None or plan.denied:
            lasts[0] = False
            return plan
        if brief.inlet.brief is not brief:  # the planner has had it settled
            return self.plan_for(plane, inlet, subject, message.subject_size, memo, lasts)
        lasts[0] = False
        if plan.fanout() == 0 and not plan.refused and not plan.hook and not traced:
            return brief.plan()
        brief.settle()
        lasts[0] = True
        return self.plan_for(plane, inlet, subject, message.subject_size, memo, lasts)

    # The planner may do anything, so it gets a copy of the name, and the cache is asked again later.

    cdef Plan plan_for(
        self, plane, Inlet inlet, const char *subject, Py_ssize_t count, Memo *memo, bint *lasts
    ):
        """The plan for a subject, from the cache or from the planner, and whether it is good for others.

        None if the decision takes another turn.
        """
        cdef Plan plan
        cdef int64_t audience = inlet.audience
        if inlet.search is None or inlet.searched_for != audience:
            inlet.search = None
            plan = self.plans.find(audience, subject, count)
            if plan is not None:
                note_plan(memo, plan, audience, self.plans.generation)
                return plan
        return self.decide(plane, inlet, PyBytes_FromStringAndSize(subject, count), lasts)

    cdef Plan decide(self, plane, Inlet inlet, bytes subject, bint *lasts):
        """Ask the planner, or go on with what it has begun."""
        cdef Plan plan
        cdef int64_t audience = inlet.audience
        search = inlet.search
        inlet.search = None
        answer = self.planner.plan(plane, audience, subject) if search is None else search.go_on() or search
        self.slow = True
        if not isinstance(answer, tuple):
            inlet.search = answer
            inlet.searched_for = audience
            lasts[0] = False
            return None
        plan = <Plan?>answer[0]
        depth = <int64_t>answer[1]
        lasts[0] = depth != NOT_KEPT
        if lasts[0]:
            self.plans.enter(audience, subject, plan, depth)
        return plan

    cdef Plan member_plan(self, plane, const char *sid, Py_ssize_t count):
        """The plan for a queue member, from the cache or from the planner."""
        cdef Plan plan = self.plans.member(sid, count)
        if plan is None:
            self.slow = True
            name = PyBytes_FromStringAndSize(sid, count)
            made = self.planner.member(plane, name)
            if made is None:
                return None
            plan = <Plan?>made
            self.plans.enter_member(name, plan)
        return plan

    cdef Plan plan_failover(self, plane, Message *message):
        """The plan for one message whose member may have left."""
        cdef bytes sid = PyBytes_FromStringAndSize(message.line + message.member, message.member_size)
        cdef bytes subject = PyBytes_FromStringAndSize(message.line + message.subject, message.subject_size)
        self.slow = True
        return <Plan?>self.planner.plan_failover(plane, sid, subject)

    cdef Plan plan_now(self, plane, int64_t audience, bytes subject):
        """The plan for a message of the server itself, however long the decision takes."""
        self.briefs.settle_at(subject)
        cdef Plan plan = self.plans.find(audience, PyBytes_AS_STRING(subject), PyBytes_GET_SIZE(subject))
        if plan is not None:
            return plan
        answer = self.planner.plan(plane, audience, subject)
        while not isinstance(answer, tuple):
            answer = answer.go_on() or answer
        plan = <Plan?>answer[0]
        depth = <int64_t>answer[1]
        if depth != NOT_KEPT:
            self.plans.enter(audience, subject, plan, depth)
        return plan
