"""Messages of a stream in a row, in the compiled twin: see `delivery_run`."""

# Uses of direct: RENAMED_AUDIENCE, _SENT, deliver_own, put_number, reach_of, server_of
# Uses of framing: copy, write_head
# Uses of native: DataPlane
# Uses of outbox: Outbox, REFERENCED_BYTES
# Uses of plan: Plan, Target

from cpython cimport array
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int64_t

cdef enum:
    _MOST_NUMBERS = 96  # four numbers and the dots between them
    _AROUND = 64        # verb, sizes, blanks and line ends of a message


cdef struct Stored:
    # One message of a run, and the reply subject, in two pieces.
    const char *subject
    Py_ssize_t subject_size
    const char *prefix
    Py_ssize_t prefix_size
    char numbers[_MOST_NUMBERS]
    Py_ssize_t numbers_size
    const char *body  # headers and payload
    Py_ssize_t head   # bytes of headers
    Py_ssize_t size   # of both


cdef int64_t *column_of(column, Py_ssize_t count) except NULL:
    """The numbers of a column that has `count` of them; it is not to be resized meanwhile."""
    cdef array.array numbers = <array.array?>column
    if numbers.ob_descr.typecode != c'q' or len(numbers) < count:
        raise TypeError("a run is made of columns of the same length")
    return <int64_t *>numbers.data.as_longlongs


cdef Py_ssize_t put_numbers(char *out, int64_t *numbers) noexcept nogil:
    """Write four numbers with dots between them."""
    cdef Py_ssize_t at = 0, i
    for i in range(4):
        if i:
            out[at] = c'.'
            at += 1
        at += put_number(out + at, numbers[i])
    return at


cdef int put_stored(Outbox outbox, Target target, Stored *message) except -1:
    """Queue a message for one receiver, without headers if it takes none."""
    cdef const char *middle = PyBytes_AS_STRING(target.middle)
    cdef Py_ssize_t middle_size = PyBytes_GET_SIZE(target.middle)
    cdef Py_ssize_t head = message.head if outbox.headers else 0
    cdef Py_ssize_t size = message.size - message.head + head
    cdef char *begin
    cdef char *out
    outbox.count(target, size, 1)
    outbox.ensure(
        message.subject_size + middle_size + message.prefix_size + message.numbers_size + size + _AROUND
    )
    begin = outbox.tip()
    begin[0] = c'H'  # written over, unless it is there to stay
    out = write_head(begin + (head != 0), message.subject, message.subject_size, middle, middle_size)
    copy(out, message.prefix, message.prefix_size)
    out += message.prefix_size
    copy(out, message.numbers, message.numbers_size)
    out += message.numbers_size
    out[0] = c' '
    out += 1
    if head:
        out += put_number(out, head)
        out[0] = c' '
        out += 1
    out += put_number(out, size)
    out[0] = c'\r'
    out[1] = c'\n'
    copy(out + 2, message.body + message.head - head, size)
    out += 2 + size
    out[0] = c'\r'
    out[1] = c'\n'
    outbox.advance(out + 2 - begin)
    return outbox.touch(False)


cdef int send_stored(DataPlane plane, Plan plan, bytes to, Stored *message) except -1:
    """Give a message to the receivers of a plan: quickly to one that asks for nothing, else as all others."""
    cdef Target target
    cdef const char *body = message.body
    if PyTuple_GET_SIZE(plan.plain) == 1 and PyTuple_GET_SIZE(plan.groups) == 0:
        target = <Target>PyTuple_GET_ITEM(plan.plain, 0)
        if target.limit == 0 and not (target.outbox.trace or target.outbox.leaf) and message.size < REFERENCED_BYTES - 1024:
            return put_stored(target.outbox, target.direct(), message)
    return deliver_own(
        plan,
        plane.draw,
        server_of(plane),
        to,
        (
            PyBytes_FromStringAndSize(message.subject, message.subject_size),
            PyBytes_FromStringAndSize(message.prefix, message.prefix_size)
            + PyBytes_FromStringAndSize(message.numbers, message.numbers_size),
            PyBytes_FromStringAndSize(body, message.head),
            PyBytes_FromStringAndSize(body + message.head, message.size - message.head),
        ),
    )


cdef object deliver_run_directly(DataPlane plane, bytes to, run, acks, int64_t room):
    """See `reach.Direct`."""
    cdef list subjects = <list?>run[2]
    cdef bytes data = <bytes?>run[6], prefix = <bytes?>acks[0], subject
    cdef int64_t number = acks[1], pending = acks[2], size = 0, each
    cdef Py_ssize_t sent = 0, count = min(PyList_GET_SIZE(subjects), <Py_ssize_t>(pending + 1))
    cdef Plan plan
    cdef Stored message
    cdef int64_t *sequences
    cdef int64_t *times
    cdef int64_t *heads
    cdef int64_t *starts
    cdef int64_t *ends
    cdef int64_t numbers[4]
    if count <= 0:
        return 0, 0
    sequences, times = column_of(run[0], count), column_of(run[1], count)
    heads, starts, ends = column_of(run[3], count), column_of(run[4], count), column_of(run[5], count)
    plan = plane.lookup.plan_now(plane, RENAMED_AUDIENCE, to)
    message.prefix = PyBytes_AS_STRING(prefix)
    message.prefix_size = PyBytes_GET_SIZE(prefix)
    try:
        while sent < count:
            subject = <bytes?>subjects[sent]
            if subject == to or reach_of(plan, server_of(plane), True) != _SENT:
                break
            if not 0 <= starts[sent] <= starts[sent] + heads[sent] <= ends[sent] <= PyBytes_GET_SIZE(data):
                raise ValueError("a message that is not within its run")
            numbers[0], numbers[1], numbers[2] = sequences[sent], number + sent, times[sent]
            numbers[3] = pending - sent
            message.numbers_size = put_numbers(message.numbers, numbers)
            message.subject = PyBytes_AS_STRING(subject)
            message.subject_size = PyBytes_GET_SIZE(subject)
            message.body = PyBytes_AS_STRING(data) + starts[sent]
            message.head = heads[sent]
            message.size = ends[sent] - starts[sent]
            each = message.subject_size + message.prefix_size + message.numbers_size + message.size
            if size + each > room:
                break
            send_stored(plane, plan, to, &message)
            sent += 1
            size += each
    except Exception:
        if not sent:
            raise
    return sent, size
