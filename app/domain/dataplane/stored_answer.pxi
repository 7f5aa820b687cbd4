"""Answers that are stored messages, in the compiled twin: see ``stored_answer``."""

# Uses of direct: SERVER_AUDIENCE, _CONGESTED, _MOST_WORD, _SENT, deliver_own, put_number, reach_of, server_of
# Uses of framing: copy
# Uses of native: DataPlane
# Uses of plan: Plan

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

from ..protocol.json_text import rfc3339
from . import stored_answer

cdef bytes NO_FIELDS = stored_answer.NO_FIELDS
cdef bytes SEQUENCE_FIELD = b"\r\nNats-Sequence: "
cdef bytes TIME_FIELD = b"\r\nNats-Time-Stamp: "

cdef enum:
    _END_SIZE = 2        # of what is after a line
    _LONGEST_TIME = 30   # 2026-11-30T11:22:33.123456789Z
    _SECOND_NS = 1000000000
    _DAY_SECONDS = 86400


cdef bint answered_stored(DataPlane plane, bytes reply, bytes begin, message) except -1:
    """See `reach.Direct.answer_stored`."""
    cdef Plan plan = plane.lookup.plan_now(plane, SERVER_AUDIENCE, reply)
    cdef int reach = reach_of(plan, server_of(plane), False)
    if reach == _SENT:
        if not isinstance(message, tuple):
            raise TypeError("a stored message is a tuple")
        sequence, time, subject, headers, payload = <tuple>message
        block = block_of(begin, sequence, time, subject, headers)
        deliver_own(plan, plane.draw, server_of(plane), None, (reply, b"", block, payload))
    return reach != _CONGESTED


cdef bytes block_of(bytes begin, uint64_t sequence, int64_t time, bytes subject, bytes headers):
    """The header block of a stored message; see `stored_answer.described`."""
    cdef char digits[_MOST_WORD]
    cdef char stamp[_LONGEST_TIME + 2]
    cdef Py_ssize_t digits_size = put_number(digits, <int64_t>sequence)
    cdef Py_ssize_t stamp_size = put_time(stamp, time)
    cdef bytes own = NO_FIELDS
    cdef Py_ssize_t own_size = PyBytes_GET_SIZE(NO_FIELDS)
    cdef Py_ssize_t size
    cdef bytes block
    cdef char *out
    if PyBytes_GET_SIZE(headers) > _END_SIZE:
        own = headers
        own_size = PyBytes_GET_SIZE(headers) - _END_SIZE
    size = own_size + PyBytes_GET_SIZE(begin) + PyBytes_GET_SIZE(subject) + digits_size + stamp_size + 2 * _END_SIZE
    size += PyBytes_GET_SIZE(SEQUENCE_FIELD) + PyBytes_GET_SIZE(TIME_FIELD)
    block = PyBytes_FromStringAndSize(NULL, size)
    out = PyBytes_AS_STRING(block)
    copy(out, PyBytes_AS_STRING(own), own_size)
    out = put_bytes(out + own_size, begin)
    out = put_bytes(out, subject)
    out = put_bytes(out, SEQUENCE_FIELD)
    copy(out, digits, digits_size)
    out = put_bytes(out + digits_size, TIME_FIELD)
    copy(out, stamp, stamp_size)
    copy(out + stamp_size, b"\r\n\r\n", 2 * _END_SIZE)
    return block


cdef inline char *put_bytes(char *out, bytes piece) noexcept:
    copy(out, PyBytes_AS_STRING(piece), PyBytes_GET_SIZE(piece))
    return out + PyBytes_GET_SIZE(piece)


cdef inline void put_two(char *out, int64_t number) noexcept nogil:
    out[0] = <char>(c'0' + number // 10)
    out[1] = <char>(c'0' + number % 10)


cdef Py_ssize_t put_time(char *out, int64_t time) except -1:
    """Write nanoseconds since the epoch as `rfc3339` does; return how many characters that are."""
    cdef int64_t seconds, fraction, day, era, year, of_era, of_year, month, of_day
    cdef Py_ssize_t size, at
    if time <= 0:
        text = <bytes>rfc3339(time).encode()
        size = min(PyBytes_GET_SIZE(text), <Py_ssize_t>_LONGEST_TIME)
        memcpy(out, PyBytes_AS_STRING(text), size)
        return size
    seconds, fraction = time // _SECOND_NS, time % _SECOND_NS
    # Days to a date, as if years began in March: then a leap day is the last of its year.
    day = seconds // _DAY_SECONDS + 719468
    of_day = seconds % _DAY_SECONDS
    era = day // 146097
    of_era = day % 146097
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month += 3 if month < 10 else -9
    year += era * 400 + (month <= 2)
    put_two(out, year // 100)
    put_two(out + 2, year % 100)
    out[4] = c'-'
    put_two(out + 5, month)
    out[7] = c'-'
    put_two(out + 8, day)
    out[10] = c'T'
    put_two(out + 11, of_day // 3600)
    out[13] = c':'
    put_two(out + 14, of_day // 60 % 60)
    out[16] = c':'
    put_two(out + 17, of_day % 60)
    size = 19
    if fraction:
        out[19] = c'.'
        for at in range(28, 19, -1):
            out[at] = <char>(c'0' + fraction % 10)
            fraction //= 10
        size = 29
        while out[size - 1] == c'0':
            size -= 1
    out[size] = c'Z'
    return size + 1
