"""Plain acks of consumers, recognised by their subject, in the compiled twin: see `ack_run`."""

# Uses nothing of other parts.

from cpython cimport array
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t
from libc.string cimport memcmp, memcpy

import array
from . import ack_run, message_run

cdef object AckRun = message_run.AckRun
cdef bytes ACK_START = ack_run.ACK_START
cdef Py_ssize_t MOST_ACKS = ack_run.MOST_ACKS
cdef array.array _NUMBERS = array.array("q")

cdef enum:
    _MOST_DIGITS = 18
    _ACKS_AT_ONCE = 1024


cdef struct Ack:
    # Offsets count from the start of the message.
    Py_ssize_t stream
    Py_ssize_t consumer
    Py_ssize_t rest      # what is after the consumer and its dot
    int64_t sequence
    Py_ssize_t sid
    Py_ssize_t sid_size
    Py_ssize_t end


cdef inline bint is_in_token(char c) noexcept nogil:
    return c != c'.' and c != c' ' and c != c'\r' and c != c'\n'


cdef inline Py_ssize_t pass_token(const char *at, Py_ssize_t i, Py_ssize_t stop, char after) noexcept nogil:
    """Where the next token begins, after one that is not empty and this character; -1 for anything else."""
    cdef Py_ssize_t begin = i
    while i < stop and is_in_token(at[i]):
        i += 1
    return i + 1 if begin < i < stop and at[i] == after else -1


cdef inline Py_ssize_t pass_number(
    const char *at, Py_ssize_t i, Py_ssize_t stop, int64_t *number
) noexcept nogil:
    """The same of a token that is a number, which it reads."""
    cdef Py_ssize_t begin = i
    cdef int64_t value = 0
    while i < stop and c'0' <= at[i] <= c'9' and i - begin < _MOST_DIGITS:
        value = value * 10 + (at[i] - c'0')
        i += 1
    number[0] = value
    return i + 1 if begin < i < stop and at[i] == c'.' else -1


cdef inline bint is_there(const char *at, Py_ssize_t i, Py_ssize_t stop, const char *text, Py_ssize_t size) noexcept nogil:
    return stop - i >= size and memcmp(at + i, text, size) == 0


cdef Py_ssize_t end_of_body(const char *at, Py_ssize_t i, Py_ssize_t stop) noexcept nogil:
    """Where a message with a plain ack ends whose size is there; -1 for any other one."""
    if is_there(at, i, stop, b"4\r\n+ACK\r\n", 9):
        return i + 9
    if is_there(at, i, stop, b"0\r\n\r\n", 5):
        return i + 5
    return i + 8 if is_there(at, i, stop, b"3\r\n+OK\r\n", 8) else -1


cdef bint read_rest(const char *at, Py_ssize_t stop, Ack *ack) noexcept nogil:
    """Read a message from `rest` on."""
    cdef int64_t ignored
    cdef Py_ssize_t i = pass_token(at, ack.rest, stop, c'.')
    if i < 0:
        return False
    i = pass_number(at, i, stop, &ack.sequence)
    if i < 0:
        return False
    i = pass_number(at, i, stop, &ignored)
    if i < 0:
        return False
    i = pass_token(at, i, stop, c'.')
    if i < 0:
        return False
    i = pass_token(at, i, stop, c' ')
    if i < 0:
        return False
    ack.sid = i
    while i < stop and at[i] != c' ' and at[i] != c'\r' and at[i] != c'\n':
        i += 1
    ack.sid_size = i - ack.sid
    if ack.sid_size == 0 or i == stop or at[i] != c' ':
        return False
    ack.end = end_of_body(at, i + 1, stop)
    return ack.end >= 0


cdef bint read_ack(const char *at, Py_ssize_t stop, Ack *ack) noexcept:
    """Read the message that is there, if it is a plain ack."""
    if not is_there(at, 0, stop, PyBytes_AS_STRING(ACK_START), PyBytes_GET_SIZE(ACK_START)):
        return False
    ack.stream = PyBytes_GET_SIZE(ACK_START)
    ack.consumer = pass_token(at, ack.stream, stop, c'.')
    if ack.consumer < 0:
        return False
    ack.rest = pass_token(at, ack.consumer, stop, c'.')
    return ack.rest >= 0 and read_rest(at, stop, ack)


cdef object read_acks_at(bytes data, Py_ssize_t position):
    """See `reach.Direct`."""
    cdef const char *begin = PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), count = 1
    cdef int64_t sequences[_ACKS_AT_ONCE]
    cdef Ack first, ack
    cdef const char *head
    cdef const char *at
    cdef array.array found
    if position < 0 or position >= size or not read_ack(begin + position, size - position, &first):
        return None
    head = begin + position
    sequences[0] = first.sequence
    ack.rest = first.rest
    position += first.end
    while count < min(MOST_ACKS, <Py_ssize_t>_ACKS_AT_ONCE) and size - position > first.rest:
        at = begin + position
        if memcmp(at, head, first.rest) != 0 or not read_rest(at, size - position, &ack):
            break
        if ack.sid_size != first.sid_size or memcmp(at + ack.sid, head + first.sid, first.sid_size) != 0:
            break
        sequences[count] = ack.sequence
        count += 1
        position += ack.end
    found = array.clone(_NUMBERS, count, False)
    memcpy(found.data.as_voidptr, sequences, count * sizeof(int64_t))
    return AckRun(
        position,
        PyBytes_FromStringAndSize(head + first.sid, first.sid_size),
        PyBytes_FromStringAndSize(head + first.stream, first.consumer - 1 - first.stream),
        PyBytes_FromStringAndSize(head + first.consumer, first.rest - 1 - first.consumer),
        found,
    )
