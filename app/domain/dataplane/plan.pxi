"""Who gets a message, in the compiled twin: places to deliver to, and plans that name them."""

cimport cython
from cpython.bytes cimport PyBytes_GET_SIZE
from cpython.tuple cimport PyTuple_GET_SIZE
from libc.stdint cimport int64_t

from app.domain.dataplane import seam

cdef int64_t DELIVERY_WORK = seam.DELIVERY_WORK


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
