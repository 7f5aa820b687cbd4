"""Answers to the messages of a run, in the compiled twin: see ``run_answers``."""

# Uses of direct: SERVER_AUDIENCE, _CONGESTED, _MOST_WORD, _SENT, deliver_to_receivers, put_number, reach_of,
#     server_of
# Uses of framing: copy
# Uses of incoming_run: _FIELDS
# Uses of message: Delivery, Message, arrange, finish_delivery
# Uses of native: DataPlane
# Uses of plan: Plan

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset


cdef enum:
    _SHORT_ANSWER = 512


cdef struct AnswerText:
    # Room in which answers are written, one after the other.
    char *text
    Py_ssize_t room


cdef Py_ssize_t answer_run(DataPlane plane, run, Py_ssize_t start, int64_t first, bytes head) except -1:
    """See `reach.Direct.deliver_answers`."""
    cdef bytes data = <bytes?>run.data
    cdef bytes fields = <bytes?>run.fields
    cdef AnswerText answer
    answer.text = NULL
    answer.room = 0
    if start < 0:
        raise ValueError("there is no such message")
    try:
        return answer_rows(plane, data, fields, start, first, head, &answer)
    finally:
        free(answer.text)


cdef bint answered(DataPlane plane, bytes reply, bytes head, int64_t number) except -1:
    """See `reach.Direct.answer`."""
    cdef Py_ssize_t count = PyBytes_GET_SIZE(reply)
    cdef char room[_SHORT_ANSWER]
    cdef AnswerText answer
    cdef int reach
    answer.text = room
    answer.room = count + PyBytes_GET_SIZE(head) + 3 * _MOST_WORD
    if answer.room <= _SHORT_ANSWER:
        return answer_one(plane, PyBytes_AS_STRING(reply), count, number, head, &answer) != _CONGESTED
    answer.text = NULL
    try:
        widen_answer(&answer, answer.room)
        reach = answer_one(plane, PyBytes_AS_STRING(reply), count, number, head, &answer)
    finally:
        free(answer.text)
    return reach != _CONGESTED


cdef Py_ssize_t answer_rows(
    DataPlane plane, bytes data, bytes fields, Py_ssize_t start, int64_t first, bytes head, AnswerText *answer
) except -1:
    cdef const uint32_t *row
    cdef Py_ssize_t count = PyBytes_GET_SIZE(fields) // (_FIELDS * <Py_ssize_t>sizeof(uint32_t))
    cdef Py_ssize_t position = start, room
    while position < count:
        row = <const uint32_t *>PyBytes_AS_STRING(fields) + position * _FIELDS
        if row[3]:
            room = row[3] + PyBytes_GET_SIZE(head) + 3 * _MOST_WORD
            if room > answer.room:
                widen_answer(answer, 2 * room)
            if answer_one(plane, PyBytes_AS_STRING(data) + row[2], row[3], first + position, head, answer) == _CONGESTED:
                return position
        position += 1
    return max(start, count)


cdef int widen_answer(AnswerText *answer, Py_ssize_t room) except -1:
    cdef void *moved = realloc(answer.text, room)
    if moved is NULL:
        raise MemoryError
    answer.text = <char *>moved
    answer.room = room
    return 0


cdef int answer_one(
    DataPlane plane, const char *reply, Py_ssize_t count, int64_t sequence, bytes head, AnswerText *answer
) except -1:
    """Send one answer, and say what became of it."""
    cdef Delivery delivery
    cdef Message message
    cdef int reach
    cdef Plan plan = None
    if not plane.briefs.known:
        plan = plane.plans.find(SERVER_AUDIENCE, reply, count)
    if plan is None:
        plan = plane.lookup.plan_now(plane, SERVER_AUDIENCE, PyBytes_FromStringAndSize(reply, count))
    reach = reach_of(plan, server_of(plane), False)
    if reach == _SENT:
        write_answer(answer.text, &message, reply, count, sequence, head)
        arrange(&delivery, &message, None)
        try:
            deliver_to_receivers(plan, &delivery, plane.draw, server_of(plane), None, None)
        finally:
            finish_delivery(&delivery)
    return reach


cdef void write_answer(
    char *out, Message *message, const char *reply, Py_ssize_t count, int64_t sequence, bytes head
) noexcept:
    """The words of an answer and its text, as if they had come from a client; `message` points there."""
    cdef char digits[_MOST_WORD]
    cdef Py_ssize_t number = put_number(digits, sequence)
    cdef Py_ssize_t at = count + 1
    memset(message, 0, sizeof(Message))
    message.line = out
    message.subject_size = count
    message.size = PyBytes_GET_SIZE(head) + number + 1
    copy(out, reply, count)
    out[count] = c' '
    message.digits = message.tail = at
    message.digits_size = put_number(out + at, message.size)
    at += message.digits_size
    out[at] = c'\r'
    out[at + 1] = c'\n'
    message.line_size = at + 2
    out += at + 2
    copy(out, PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head))
    out += PyBytes_GET_SIZE(head)
    copy(out, digits, number)
    out[number] = c'}'
    out[number + 1] = c'\r'
    out[number + 2] = c'\n'
