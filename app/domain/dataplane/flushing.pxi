"""Handing outboxes to their wires by the clock, in the compiled twin."""

# Uses of native: DataPlane
# Uses of outbox: Outbox
# Uses of partial_delivery: PartialDelivery, deliver_rest

cimport cython
from libc.stdint cimport int64_t

import math

from . import constants

cdef int64_t FLUSH_BYTES = constants.FLUSH_BYTES
cdef int64_t BYTES_PER_CHECK = constants.BYTES_PER_CHECK
cdef Py_ssize_t OUTBOXES_PER_CHECK = constants.OUTBOXES_PER_CHECK
cdef double FLUSH_SECONDS = constants.FLUSH_SECONDS


@cython.final
@cython.no_gc_clear  # as for the plane
cdef class Flushing:
    """See `flushing.Flushing`."""

    cdef list rest

    def __cinit__(self):
        self.rest = []

    cdef bint hand_over(self, list outboxes, clock) except -1:
        """Whether some were left. An outbox that fails costs its connection."""
        cdef int64_t room = FLUSH_BYTES
        cdef int64_t check = FLUSH_BYTES - BYTES_PER_CHECK
        cdef Py_ssize_t count = len(outboxes)
        cdef Py_ssize_t position = 0
        cdef double now, until = clock() + FLUSH_SECONDS if count > 1 else math.inf
        cdef Outbox outbox
        while position < count:
            outbox = <Outbox>outboxes[position]
            position += 1
            try:
                room -= outbox.hand_over_all()
            except Exception as error:
                outbox.owner.failed(error)
            if position == count:
                break
            if position % OUTBOXES_PER_CHECK == 0 or room <= check:
                check = room - BYTES_PER_CHECK
                if room > 0:
                    now = clock()
                    if now < until:
                        continue
                self.rest += outboxes[position:]
                return True
        return False


cdef bint flush_what_was_left(DataPlane plane) except -1:
    """See `seam.Plane.flush_rest`."""
    cdef PartialDelivery partial
    cdef list outboxes
    plane.until = plane.clock() + FLUSH_SECONDS
    while plane.partial:
        partial = plane.partial[0]
        try:
            deliver_rest(plane, partial)
        except Exception:
            del plane.partial[0]
            raise
        if partial.position < partial.plan.fanout():
            break
        del plane.partial[0]
    outboxes = plane.flushing.rest + plane.touched
    plane.flushing.rest, plane.touched = [], []
    try:
        return plane.flushing.hand_over(outboxes, plane.clock) or len(plane.partial) > 0
    except Exception:
        plane.flushing.rest = outboxes
        raise
