"""The latest wildcard changes, in the compiled twin: what it needs of ``app.domain.subjects.changes``."""

# Uses of subject: has_empty_token, may_match

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t

from ..subjects.changes import REMEMBERED

cdef int64_t RING = REMEMBERED


@cython.final
@cython.no_gc  # it holds bytes alone, so it is part of no circle
cdef class WildcardChanges:
    """See `app.domain.subjects.changes.WildcardChanges`; plans ask not whether subscriptions came or went."""

    cdef int64_t now  # number of the latest change
    cdef list ring

    def __cinit__(self):
        self.ring = [None] * RING

    cdef int note(self, bytes pattern) except -1:
        """A subscription with this wildcard pattern came or went."""
        self.ring[self.now % RING] = pattern
        self.now += 1
        return 0

    cdef bint bear_on(
        self, int64_t stamp, const char *prefix, Py_ssize_t length, int64_t depth, int64_t further
    ) except -1:
        """Whether some change since `stamp` does, or is forgotten; see `may_match`."""
        cdef bytes pattern
        if self.now - stamp > RING:
            return True
        if depth and has_empty_token(prefix, length):
            return False
        while stamp < self.now:
            pattern = <bytes>self.ring[stamp % RING]
            if may_match(
                PyBytes_AS_STRING(pattern), PyBytes_GET_SIZE(pattern), prefix, length, depth, further
            ):
                return True
            stamp += 1
        return False
