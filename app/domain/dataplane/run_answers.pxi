"""Answers to the messages of a run, in the compiled twin: see ``run_answers``."""

# Uses of direct: SERVER_AUDIENCE, _CONGESTED, _MOST_WORD, _SENT, deliver_to_receivers, put_number, reach_of,
#     server_of
# Uses of framing: copy
# Uses of incoming_run: _FIELDS
# Uses of message: Delivery, Message, arrange, finish_delivery
# Uses of native: DataPlane
# Uses of plan: Plan
# Uses of plan_cache: PlanCache
# Uses of subject: Shape, shape_of

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memcpy, memset


cdef enum:
    _SHORT_ANSWER = 512


cdef struct AnswerText:
    # Room in which answers are written, one after the other.
    char *text
    Py_ssize_t room


cdef struct ReplyKind:
    # Subjects that have the plan of the reply before: they begin with these bytes, a number of tokens follows.
    const char *prefix
    Py_ssize_t length  # 0 for none
    int64_t further
    uint64_t generation


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
    cdef ReplyKind kind
    cdef Plan plan
    cdef int reach
    answer.text = room
    answer.room = count + PyBytes_GET_SIZE(head) + 3 * _MOST_WORD
    kind.length = 0
    plan = plan_of_reply(plane, PyBytes_AS_STRING(reply), count, &kind, None)
    if answer.room <= _SHORT_ANSWER:
        return answer_one(plane, plan, PyBytes_AS_STRING(reply), count, number, head, &answer) != _CONGESTED
    answer.text = NULL
    try:
        widen_answer(&answer, answer.room)
        reach = answer_one(plane, plan, PyBytes_AS_STRING(reply), count, number, head, &answer)
    finally:
        free(answer.text)
    return reach != _CONGESTED


cdef Py_ssize_t answer_rows(
    DataPlane plane, bytes data, bytes fields, Py_ssize_t start, int64_t first, bytes head, AnswerText *answer
) except -1:
    cdef const uint32_t *row
    cdef Py_ssize_t count = PyBytes_GET_SIZE(fields) // (_FIELDS * <Py_ssize_t>sizeof(uint32_t))
    cdef Py_ssize_t position = start, room
    cdef const char *reply
    cdef Plan plan = None
    cdef ReplyKind kind
    kind.length = 0
    while position < count:
        row = <const uint32_t *>PyBytes_AS_STRING(fields) + position * _FIELDS
        if row[3]:
            room = row[3] + PyBytes_GET_SIZE(head) + 3 * _MOST_WORD
            if room > answer.room:
                widen_answer(answer, 2 * room)
            reply = PyBytes_AS_STRING(data) + row[2]
            plan = plan_of_reply(plane, reply, row[3], &kind, plan)
            if answer_one(plane, plan, reply, row[3], first + position, head, answer) == _CONGESTED:
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


cdef Plan plan_of_reply(DataPlane plane, const char *reply, Py_ssize_t count, ReplyKind *kind, Plan before):
    """The plan for a reply. `before` is that of the reply before, which most of the next ones share."""
    cdef PlanCache plans = plane.plans
    cdef Plan plan = None
    if not plane.briefs.known:
        if kind.length and kind.generation == plans.generation and is_of_kind(reply, count, kind):
            plans.hits += 1
            return before
        plan = plans.find(SERVER_AUDIENCE, reply, count)
    if plan is None:
        kind.length = 0
        return plane.lookup.plan_now(plane, SERVER_AUDIENCE, PyBytes_FromStringAndSize(reply, count))
    kind.prefix = reply
    kind.length, kind.further, kind.generation = plans.kind_length, plans.kind_further, plans.generation
    return plan


cdef bint is_of_kind(const char *reply, Py_ssize_t count, ReplyKind *kind) noexcept nogil:
    cdef Shape rest
    cdef Py_ssize_t length = kind.length
    if count <= length or reply[length] != c'.' or memcmp(reply, kind.prefix, length) != 0:
        return False
    rest = shape_of(reply + length + 1, count - length - 1)
    return rest.plain and rest.tokens == kind.further


cdef int answer_one(
    DataPlane plane,
    Plan plan,
    const char *reply,
    Py_ssize_t count,
    int64_t sequence,
    bytes head,
    AnswerText *answer,
) except -1:
    """Send one answer, and say what became of it."""
    cdef Delivery delivery
    cdef Message message
    cdef int reach = reach_of(plan, server_of(plane), False)
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
    memcpy(out, digits, number)
    out[number] = c'}'
    out[number + 1] = c'\r'
    out[number + 2] = c'\n'
