"""The plan cache of the compiled twin: plans by kind of subject, checked when they are used.

See ADR 0008, and `plan_cache.PlanCache`, which has the same rules.
"""

# Uses of changes: WildcardChanges
# Uses of plan: Plan
# Uses of subject: Shape, has_wildcard, next_dot, shape_of
# Uses of table: Entry, Table, _MEMBER, is_kind

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.ref cimport PyObject
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from . import constants, seam

cdef enum:
    # About what these take in memory, in bytes; see `plan_cache`. Prefixes and sids come on top.
    _ENTRY_BYTES = 130
    _OTHERS_BYTES = 230
    _AUDIENCE_BYTES = 130

cdef int64_t PLAN_BUDGET = constants.PLAN_BUDGET
cdef int64_t DEEPEST_KIND = constants.DEEPEST_KIND


@cython.final
@cython.no_gc_clear  # entries refer to what is retained; what forms circles with it can be cleared instead
cdef class PlanCache:
    """Plans that are good as long as nothing changed that bears on them."""

    cdef Table table
    cdef WildcardChanges changes
    cdef uint64_t generation  # see `plan_cache.PlanCache`
    cdef int64_t hits
    cdef int64_t size  # of all that is kept, in bytes
    cdef int64_t epoch # grows when all is forgotten
    cdef dict fanouts  # how many plans of subjects have so large a fan-out
    cdef int64_t *depths  # entries of kinds, by leading tokens: `DEEPEST_KIND` numbers
    cdef int64_t kinds
    cdef list retained  # all that entries refer to, and None at vacant places
    cdef list vacant    # such places
    cdef Py_ssize_t kind_length  # bytes that decided about the subject found last; 0 if it was all of it
    cdef int64_t kind_further    # tokens after them

    def __cinit__(self, seed):
        self.table = Table(seed)
        self.changes = WildcardChanges()
        self.fanouts = {}
        self.epoch = 1
        self.retained = []
        self.vacant = []
        self.depths = <int64_t *>calloc(DEEPEST_KIND, sizeof(int64_t))
        if self.depths is NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.depths)

    # --- plans of subjects --------------------------------------------------------

    cdef Plan find(self, int64_t audience, const char *subject, Py_ssize_t count):
        """The plan that is known for a subject and an audience: for it alone, or for one of its kinds."""
        cdef Plan plan = None
        cdef Shape shape
        cdef int64_t depth = 0
        cdef Py_ssize_t length = 0
        self.kind_length = 0
        if self.table.used > <uint64_t>self.kinds:
            plan = self.known(self.fresh_entry(subject, count, 0), audience)
        if plan is None and self.kinds:
            shape = shape_of(subject, count)
            while shape.plain and depth < shape.tokens and depth < DEEPEST_KIND:
                if self.depths[depth]:
                    plan = self.known(self.fresh_entry(subject, length, shape.tokens - depth), audience)
                    if plan is not None:
                        self.kind_length, self.kind_further = length, shape.tokens - depth
                        break
                length = next_dot(subject, count, length, depth)
                depth += 1
        if plan is not None:
            self.hits += 1
        return plan

    cdef int enter(self, int64_t audience, bytes subject, Plan plan, int64_t decisive) except -1:
        """Remember a plan for all subjects that it is good for; `decisive` leading tokens decided."""
        self.enter_anyway(audience, subject, plan, decisive)
        if self.size > PLAN_BUDGET:
            self.forget_all()
            self.enter_anyway(audience, subject, plan, decisive)
        return 0

    cdef int enter_anyway(self, int64_t audience, bytes subject, Plan plan, int64_t decisive) except -1:
        cdef Entry *entry = self.entry_of_kind(PyBytes_AS_STRING(subject), PyBytes_GET_SIZE(subject), decisive)
        if self.known(entry, audience) is not None:
            return 0
        self.add(entry, audience, plan)
        self.fanouts[plan.fanout()] = self.fanouts.get(plan.fanout(), 0) + 1
        return 0

    cdef inline Entry *fresh_entry(self, const char *prefix, Py_ssize_t count, int64_t further) except? NULL:
        cdef Entry *entry = self.table.find(prefix, count, further)
        if entry is not NULL and entry.stamp != self.changes.now:
            return self.checked(entry)
        return entry

    cdef Entry *checked(self, Entry *entry) except? NULL:
        """The entry, unless a change since its stamp bears on it."""
        if self.changes.bear_on(entry.stamp, entry.prefix, entry.length, entry.depth, entry.further):
            self.drop(entry)
            return NULL
        entry.stamp = self.changes.now
        return entry

    cdef Entry *entry_of_kind(self, const char *subject, Py_ssize_t count, int64_t decisive) except NULL:
        """The entry for the kind of a subject that `decisive` of its leading tokens decide; a new one if need be."""
        cdef Py_ssize_t length = 0
        cdef int64_t tokens = shape_of(subject, count).tokens
        cdef int64_t depth = tokens
        cdef Entry *entry
        if 0 <= decisive < tokens and decisive < DEEPEST_KIND:
            for depth in range(decisive):
                length = next_dot(subject, count, length, depth)
            depth = decisive
            count = length
        entry = self.fresh_entry(subject, count, tokens - depth)
        return self.insert(subject, count, depth, tokens - depth) if entry is NULL else entry

    cdef inline Plan known(self, Entry *entry, int64_t audience):
        """None too if there is no entry."""
        if entry is NULL:
            return None
        if entry.plan is not NULL and entry.audience == audience:
            return <Plan>entry.plan
        if entry.others is not NULL:
            return (<dict>entry.others).get(audience)
        return None

    cdef int add(self, Entry *entry, int64_t audience, Plan plan) except -1:
        if entry.plan is NULL:
            entry.plan_place = self.retain(plan)
            entry.plan = <PyObject *>plan
            entry.audience = audience
        else:
            if entry.others is NULL:
                others = {}
                entry.others_place = self.retain(others)
                entry.others = <PyObject *>others
                self.size += _OTHERS_BYTES
            (<dict>entry.others)[audience] = plan
            self.size += _AUDIENCE_BYTES
        self.hold(plan)
        return 0

    # --- plans of queue members -----------------------------------------------------

    cdef Plan member(self, const char *sid, Py_ssize_t count):
        """The plan that is known for a queue member."""
        cdef Entry *entry = self.table.find(sid, count, _MEMBER)
        return self.known(entry, 0)

    cdef int enter_member(self, bytes sid, Plan plan) except -1:
        """Remember a plan that is not known until `forget_member`; no change of subjects bears on it."""
        cdef const char *text = PyBytes_AS_STRING(sid)
        cdef Py_ssize_t count = PyBytes_GET_SIZE(sid)
        self.forget_member(sid)
        if self.size + _ENTRY_BYTES + count + plan.cost > PLAN_BUDGET:
            self.forget_all()
        return self.add(self.insert(text, count, 0, _MEMBER), 0, plan)

    # --- forgetting -----------------------------------------------------------------

    cdef int changed(self, bytes subject) except -1:
        """A subscription on this subject came or went."""
        cdef const char *text = PyBytes_AS_STRING(subject)
        cdef Py_ssize_t count = PyBytes_GET_SIZE(subject)
        cdef Py_ssize_t length = 0
        cdef int64_t depth = 0, tokens
        self.generation += 1
        if has_wildcard(text, count):
            return self.changes.note(subject)
        self.drop_if_known(text, count, 0)
        tokens = shape_of(text, count).tokens
        while self.kinds and depth < tokens and depth < DEEPEST_KIND:
            if self.depths[depth]:
                self.drop_if_known(text, length, tokens - depth)
            length = next_dot(text, count, length, depth)
            depth += 1
        return 0

    cdef int forget_member(self, bytes sid) except -1:
        """The queue member came or went."""
        if self.drop_if_known(PyBytes_AS_STRING(sid), PyBytes_GET_SIZE(sid), _MEMBER):
            self.generation += 1
        return 0

    cdef int forget_all(self) except -1:
        """Forget every plan."""
        self.table.clear()
        self.size = 0
        self.kinds = 0
        self.epoch += 1
        self.fanouts = {}
        memset(self.depths, 0, DEEPEST_KIND * sizeof(int64_t))
        self.vacant = []
        self.retained = []
        self.generation += 1
        return 0

    # --- the entries, and what they cost and refer to ---------------------------------

    cdef Entry *insert(
        self, const char *prefix, Py_ssize_t count, int64_t depth, int64_t further
    ) except NULL:
        """A new entry; see `Entry`."""
        cdef Entry *entry
        entry = self.table.add(prefix, count, depth, further)
        entry.stamp = self.changes.now
        self.size += _ENTRY_BYTES + count
        if is_kind(entry):
            self.depths[depth] += 1
            self.kinds += 1
        return entry

    cdef bint drop_if_known(self, const char *prefix, Py_ssize_t count, int64_t further) except -1:
        """Whether it was."""
        cdef Entry *entry = self.table.find(prefix, count, further)
        if entry is NULL:
            return False
        self.drop(entry)
        return True

    cdef int drop(self, Entry *entry) except -1:
        cdef Py_ssize_t plan = entry.plan_place if entry.plan is not NULL else -1
        cdef Py_ssize_t others = entry.others_place if entry.others is not NULL else -1
        self.size -= _ENTRY_BYTES + entry.length
        self.let_go_all(entry)
        if is_kind(entry):
            self.depths[entry.depth] -= 1
            self.kinds -= 1
        self.table.remove(entry)
        if plan >= 0:
            self.release(plan)
        if others >= 0:
            self.release(others)
        return 0

    cdef int let_go_all(self, Entry *entry) except -1:
        """An entry is about to be forgotten."""
        cdef bint for_subjects = entry.further != _MEMBER
        cdef Plan plan
        if entry.plan is not NULL:
            self.let_go(<Plan>entry.plan, for_subjects)
        if entry.others is not NULL:
            self.size -= _OTHERS_BYTES + _AUDIENCE_BYTES * len(<dict>entry.others)
            for plan in (<dict>entry.others).values():
                self.let_go(plan, for_subjects)
        return 0

    cdef int hold(self, Plan plan) except -1:
        """One use more; the first one is charged."""
        if plan.epoch != self.epoch:
            plan.epoch = self.epoch
            plan.uses = 0
        if plan.uses == 0:
            self.size += plan.cost
        plan.uses += 1
        return 0

    cdef int let_go(self, Plan plan, bint for_subjects) except -1:
        cdef Py_ssize_t fanout = plan.fanout()
        plan.uses -= 1
        if plan.uses == 0:
            self.size -= plan.cost
        if for_subjects:
            left = self.fanouts.get(fanout, 0) - 1
            if left > 0:
                self.fanouts[fanout] = left
            else:
                self.fanouts.pop(fanout, None)
        return 0

    cdef object figures(self):
        """What is kept of subjects."""
        fanouts = self.fanouts
        total = sum([fanout * count for fanout, count in fanouts.items()])
        return seam.PlanFigures(sum(fanouts.values()), max(fanouts, default=0), total, self.size)

    cdef Py_ssize_t retain(self, object thing) except -1:
        """Keep it alive, and return where."""
        cdef Py_ssize_t place
        if self.vacant:
            place = self.vacant.pop()
            self.retained[place] = thing
            return place
        self.retained.append(thing)
        return len(self.retained) - 1

    cdef int release(self, Py_ssize_t place) except -1:
        self.vacant.append(place)
        self.retained[place] = None
        return 0
