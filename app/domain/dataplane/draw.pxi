"""The draw of a queue group's member, in the compiled twin; the numbers are those of ``draw``."""

# Uses nothing of other parts.

cimport cython
from libc.stdint cimport uint64_t


@cython.final
cdef class Draw:
    """See `draw.Draw`."""

    cdef uint64_t state

    def __cinit__(self, seed):
        self.state = seed

    cdef inline Py_ssize_t below(self, Py_ssize_t bound) noexcept:
        """A number from 0 to `bound` - 1."""
        cdef uint64_t x
        if bound == 1:
            return 0
        x = self.state
        x ^= x >> 12
        x ^= x << 25
        x ^= x >> 27
        self.state = x
        return <Py_ssize_t>((((x * <uint64_t>0x2545F4914F6CDD1D) >> 32) * <uint64_t>bound) >> 32)
