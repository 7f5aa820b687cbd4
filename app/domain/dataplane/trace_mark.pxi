"""Messages that ask to be traced, in the compiled twin: see ``trace_mark``. Only those with headers are examined."""

# Uses of inlet: Inlet
# Uses of message: Message, length_of_run, stride_of
# Uses of native: DataPlane
# Uses of plan: Plan

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t
from libc.string cimport memchr, memcmp

from . import trace_mark

cdef bytes TRACE_MARK = trace_mark.MARK
cdef const char *TRACE = PyBytes_AS_STRING(TRACE_MARK)
cdef Py_ssize_t TRACE_SIZE = PyBytes_GET_SIZE(TRACE_MARK)


cdef bint asks_in(Message *message) noexcept nogil:
    """See `trace_mark.asks`."""
    cdef const char *at = message.line + message.line_size
    cdef const char *end = at + message.header
    while end - at >= TRACE_SIZE:
        at = <const char *>memchr(at, c'\n', end - at - (TRACE_SIZE - 1))
        if at is NULL:
            return False
        if at[1] == c'N' and memcmp(at, TRACE, TRACE_SIZE) == 0:
            return True
        at += 1
    return False


cdef inline Py_ssize_t run_before_trace(Inlet inlet, Message *message, Py_ssize_t count, int64_t most) noexcept:
    """How many messages in a row have this line, up to the first that asks for a trace; see `length_of_run`."""
    cdef Py_ssize_t repeats = length_of_run(message, count, most)
    return untraced(message, repeats) if message.header and inlet.traces else repeats


cdef Py_ssize_t untraced(Message *message, Py_ssize_t repeats) noexcept nogil:
    cdef Message each = message[0]
    cdef Py_ssize_t i
    for i in range(repeats):
        if asks_in(&each):
            return i
        each.line += stride_of(message)
    return repeats


cdef int64_t hand_message(DataPlane plane, Inlet inlet, Message *message, Plan plan, bint trace) except -1:
    """Give a message to the control plane; if that stops the ingest, `scan` sees it. `trace`: for the log."""
    if trace:
        inlet.trace_message(message)
    inlet.stopped = not inlet.hand_over(plan, message)
    plane.lookup.slow = True
    return 0
