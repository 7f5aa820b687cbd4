"""Requests that reach nobody, in the compiled twin: see ``unheard``."""

# Uses of direct: _MOST_WORD, put_number
# Uses of framing: copy
# Uses of message: Message
# Uses of outbox: Outbox
# Uses of plan: Target

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memchr, memcmp, memcpy

from ..protocol.encode import NO_RESPONDERS_END, NO_RESPONDERS_START

cdef bytes ANSWER_START = NO_RESPONDERS_START
cdef bytes ANSWER_END = NO_RESPONDERS_END


@cython.final
cdef class AnswerPlace:
    """See `unheard.AnswerPlace`."""

    cdef bytes prefix
    cdef Target target

    def __cinit__(self, bytes prefix not None, Target target not None):
        self.prefix = prefix
        self.target = target

    cdef bint answer(self, Outbox outbox, Message *message) except -1:
        """Answer there by this outbox, the publisher's; whether that was the place."""
        cdef const char *reply = message.line + message.reply
        cdef Py_ssize_t size = PyBytes_GET_SIZE(self.prefix)
        cdef Py_ssize_t further = message.reply_size - size
        cdef Target target = self.target
        if target.outbox is not outbox or target.limit or further <= 0:
            return False
        if memcmp(reply, PyBytes_AS_STRING(self.prefix), size) or memchr(reply + size, c'.', further) is not NULL:
            return False
        outbox.send(answer_text(target, message))
        target.delivered += 1
        return True


cdef bytes answer_text(Target target, Message *message):
    """See `encode.no_responders`."""
    cdef char digits[_MOST_WORD]
    cdef Py_ssize_t middle = PyBytes_GET_SIZE(target.middle)
    cdef Py_ssize_t start = PyBytes_GET_SIZE(ANSWER_START)
    cdef Py_ssize_t end = PyBytes_GET_SIZE(ANSWER_END)
    cdef Py_ssize_t block = start + message.subject_size + end
    cdef Py_ssize_t count = put_number(digits, block)
    cdef bytes text = PyBytes_FromStringAndSize(
        NULL, 5 + message.reply_size + middle + 2 * count + 3 + block + 2
    )
    cdef char *out = PyBytes_AS_STRING(text)
    out = put_piece(out, b"HMSG ", 5)
    out = put_piece(out, message.line + message.reply, message.reply_size)
    out = put_piece(out, PyBytes_AS_STRING(target.middle), middle)
    out = put_piece(out, digits, count)
    out = put_piece(out, b" ", 1)
    out = put_piece(out, digits, count)
    out = put_piece(out, b"\r\n", 2)
    out = put_piece(out, PyBytes_AS_STRING(ANSWER_START), start)
    out = put_piece(out, message.line + message.subject, message.subject_size)
    out = put_piece(out, PyBytes_AS_STRING(ANSWER_END), end)
    put_piece(out, b"\r\n", 2)
    return text


cdef inline char *put_piece(char *out, const char *piece, Py_ssize_t size) noexcept nogil:
    """Write it, and return where it ends."""
    copy(out, piece, size)
    return out + size
