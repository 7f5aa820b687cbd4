"""Who gets a message, in the compiled twin: places to deliver to, and plans that name them."""

cimport cython
from cpython.bytes cimport PyBytes_GET_SIZE
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int64_t

from app.domain.dataplane import seam

cdef int64_t DELIVERY_WORK = seam.DELIVERY_WORK
cdef Py_ssize_t LOOK_AROUND = seam.LOOK_AROUND


@cython.final
cdef class Target:
    """See `seam.Target`. ``middle`` is what stands between subject and rest in MSG."""

    cdef Outbox outbox
    cdef bytes middle
    cdef object subscription
    cdef public int64_t delivered
    cdef public int64_t limit

    def __cinit__(self, Outbox outbox not None, bytes sid not None, subscription):
        self.outbox = outbox
        self.middle = b" " + sid + b" "
        self.subscription = subscription

    def retire(self):
        # Plans that are never used again may know the target for long, so it lets go of all else.
        self.outbox = None
        self.subscription = None

    cdef inline bint ready(self) noexcept:
        """Whether the receiver takes messages, and nobody has to wait for it."""
        return self.outbox is not None and not self.outbox.closed and not self.outbox.is_congested

    cdef int64_t pending(self) except -1:
        return self.outbox.pending() if self.outbox is not None else 0

    def under(self, bytes sid not None):
        return Target(self.outbox, sid, self.subscription)

    cdef inline int64_t bears(self, Py_ssize_t size, int64_t most) noexcept:
        """How many messages, at most `most`, it takes without a decision; `size` is without the sid."""
        cdef Outbox outbox = self.outbox
        if outbox is None:
            return most
        if self.limit or outbox.trace:
            return 0
        return min(most, outbox.room() // (size + PyBytes_GET_SIZE(self.middle)))


@cython.final
cdef class Plan:
    """See `seam.Plan`. The tuples hold targets, and tuples of targets."""

    cdef tuple plain
    cdef tuple groups
    cdef bytes refusal
    cdef bint refused
    cdef bint runs  # whether messages in a row may be published at once

    def __cinit__(self, plain, groups, bytes refusal not None):
        cdef Target target
        self.plain = tuple(plain)
        self.groups = tuple([tuple(group) for group in groups])
        self.refusal = refusal
        self.refused = len(refusal) > 0
        for member in (self.plain, *self.groups):
            for target in member:  # the delivery trusts their type
                if target is None:
                    raise TypeError("a plan is made of targets")
        outboxes = set()
        for target in self.plain:
            outboxes.add(id(target.outbox))
        # Subscriptions of one connection get their messages in turns, so they are no run.
        self.runs = len(outboxes) == len(self.plain) and not self.groups and not self.refused

    cdef inline int64_t effort(self, int64_t size) noexcept:
        """The work of a message of which each receiver gets `size` bytes behind the sid."""
        cdef int64_t receivers = PyTuple_GET_SIZE(self.plain) + PyTuple_GET_SIZE(self.groups)
        return DELIVERY_WORK + receivers * (DELIVERY_WORK + size)

    cdef bint must_wait(self) except -1:
        """Ask each congested receiver whether the publisher has to wait; see `seam.Outbox.congested`."""
        cdef bint waits = False
        cdef Py_ssize_t i
        for i in range(PyTuple_GET_SIZE(self.plain)):
            waits |= asks_to_wait(<Target>PyTuple_GET_ITEM(self.plain, i))
        for i in range(PyTuple_GET_SIZE(self.groups)):
            group = <tuple>PyTuple_GET_ITEM(self.groups, i)
            if is_congested(group):
                waits |= asks_to_wait(least_pending(group))
        return waits

    cdef bint serves_another(self, Outbox besides, int64_t low) except -1:
        """See `seam.Inlet.serves_another`."""
        cdef Py_ssize_t left = LOOK_AROUND
        cdef Target target
        cdef Outbox outbox
        for targets in (self.plain, *self.groups):
            for target in targets:
                if not left:
                    return False
                left -= 1
                outbox = target.outbox
                if outbox is not None and outbox is not besides and not outbox.closed:
                    if outbox.pending() <= low and outbox.owner.untaken() <= low:
                        return True
        return False


cdef bint asks_to_wait(Target target) except -1:
    cdef Outbox outbox = target.outbox
    return outbox is not None and outbox.is_congested and outbox.owner.pressed()


cdef Target pick(tuple group, Draw draw):
    """Draw a member; if its receiver can take nothing now, take the next one that can, if that is near."""
    cdef Py_ssize_t count = PyTuple_GET_SIZE(group)
    cdef Py_ssize_t first = draw.below(count)
    cdef Py_ssize_t place
    cdef Target drawn = <Target>PyTuple_GET_ITEM(group, first)
    cdef Target member
    if drawn.ready():
        return drawn
    for place in range(first + 1, first + min(count, LOOK_AROUND)):
        member = <Target>PyTuple_GET_ITEM(group, place % count)
        if member.ready():
            return member
    return drawn


cdef bint is_congested(tuple group) noexcept:
    """Whether no member, as far as `pick` looks, can take a message now."""
    cdef Py_ssize_t i
    for i in range(min(PyTuple_GET_SIZE(group), LOOK_AROUND)):
        if (<Target>PyTuple_GET_ITEM(group, i)).ready():
            return False
    return True


cdef Target least_pending(tuple group):
    cdef Py_ssize_t i
    cdef int64_t pending
    cdef Target best = <Target>PyTuple_GET_ITEM(group, 0)
    cdef int64_t least = best.pending()
    cdef Target member
    for i in range(1, min(PyTuple_GET_SIZE(group), LOOK_AROUND)):
        member = <Target>PyTuple_GET_ITEM(group, i)
        pending = member.pending()
        if pending < least:
            best, least = member, pending
    return best
