"""Lone messages for the server itself, in the compiled twin: see ``lone``."""

# Uses of ack_run: ACK_START
# Uses of incoming_run: Frame, is_batched, split_frame
# Uses of native: DataPlane
# Uses of outbox: Outbox

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcmp

from . import lone

cdef Py_ssize_t LONGEST_LONE = lone.LONGEST_LONE
cdef Py_ssize_t MOST_TOUCHED = lone.MOST_TOUCHED


cdef int serve_lone(DataPlane plane) except -1:
    """See `lone.serve_lone`."""
    cdef Outbox server = plane.server
    cdef Frame frame
    cdef const char *text
    cdef Py_ssize_t size
    if server is None or not server.dirty or server.closed or server.sealed is not None:
        return 0
    size = server.length
    if not 0 < size <= LONGEST_LONE or not is_among(server, plane.touched):
        return 0
    text = PyBytes_AS_STRING_raw(server.chunk)
    if size >= PyBytes_GET_SIZE(ACK_START) and memcmp(text, PyBytes_AS_STRING(ACK_START), PyBytes_GET_SIZE(ACK_START)) == 0:
        return 0
    if not split_frame(text, size, 0, &frame) or frame.stop != size or is_batched(text, &frame):
        return 0
    take = plane.lone.get(PyBytes_FromStringAndSize(text + frame.sid, frame.sid_size))
    if take is None:
        return 0
    subject = PyBytes_FromStringAndSize(text + frame.subject, frame.subject_size)
    headers = PyBytes_FromStringAndSize(text + frame.block, frame.header)
    payload = PyBytes_FromStringAndSize(text + frame.block + frame.header, frame.size - frame.header)
    reply = PyBytes_FromStringAndSize(text + frame.reply, frame.reply_size)
    plane.touched.remove(server)
    server.withdraw(size)
    if not take(subject, headers, payload, reply):
        server.put_back(size)
    return 0


cdef bint is_among(Outbox outbox, list touched) noexcept:
    """Whether it is to be flushed, with few others at most."""
    cdef Py_ssize_t at = len(touched)
    if at > MOST_TOUCHED:
        return False
    while at:
        at -= 1
        if touched[at] is outbox:
            return True
    return False
