"""Messages of the server itself, in the compiled twin: see `direct`."""

# Uses of draw: Draw
# Uses of framing: copy
# Uses of link_lines: is_lost, send_shown
# Uses of message: Delivery, Message, arrange, compose, finish_delivery, make_room_without_header
# Uses of native: DataPlane
# Uses of outbox: Outbox
# Uses of plan: Group, MOST_CANDIDATES, Plan, Target, _NOWHERE, pick

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int64_t

from . import reach

cdef object REACH_NOBODY = reach.Reach.NOBODY
cdef object REACH_CONGESTED = reach.Reach.CONGESTED
cdef object REACH_SENT = reach.Reach.SENT
cdef int64_t SERVER_AUDIENCE = reach.SERVER_AUDIENCE
cdef int64_t RENAMED_AUDIENCE = reach.RENAMED_AUDIENCE

cdef enum:
    # The values of `reach.Reach`, in their order.
    _NOBODY = 0
    _CONGESTED = 1
    _SENT = 2
    _MOST_WORD = 24  # the digits of a size, and what follows them


cdef object reach_named(int reach):
    if reach == _SENT:
        return REACH_SENT
    return REACH_CONGESTED if reach == _CONGESTED else REACH_NOBODY


cdef inline int reach_of_target(Target target, void *skip, bint renamed) noexcept:
    cdef Outbox outbox = target.outbox
    if outbox is None or outbox.closed or <void *>outbox == skip:
        return _NOBODY
    if renamed and is_lost(outbox):
        return _NOBODY
    return _CONGESTED if outbox.is_congested else _SENT


cdef int reach_of(Plan plan, void *skip, bint renamed) except -1:
    """See `direct.reach_of`."""
    cdef int reach = _NOBODY
    cdef Py_ssize_t i
    for i in range(PyTuple_GET_SIZE(plan.plain)):
        reach = max(reach, reach_of_target(<Target>PyTuple_GET_ITEM(plan.plain, i), skip, renamed))
        if reach == _SENT:
            return reach
    for i in range(PyTuple_GET_SIZE(plan.groups)):
        reach = max(reach, reach_of_group(<tuple>PyTuple_GET_ITEM(plan.groups, i), skip))
        if reach == _SENT:
            return reach
    return reach


cdef int reach_of_group(tuple parts, void *skip) except -1:
    cdef int reach = _NOBODY
    cdef Py_ssize_t left = MOST_CANDIDATES
    cdef Py_ssize_t i, k
    cdef list members
    for i in range(PyTuple_GET_SIZE(parts)):
        members = (<Group>PyTuple_GET_ITEM(parts, i)).members
        for k in range(min(left, PyList_GET_SIZE(members))):
            reach = max(reach, reach_of_target(<Target>PyList_GET_ITEM(members, k), skip, False))
            if reach == _SENT:
                return reach
        left -= min(left, PyList_GET_SIZE(members))
    return reach


cdef int deliver_to_receivers(
    Plan plan, Delivery *delivery, Draw draw, void *skip, bytes to, tuple words
) except -1:
    """Give it to all; see `direct.DirectDelivery.send`. `to` is None if it names the subject itself."""
    cdef Target target
    cdef Py_ssize_t i
    if plan.mixed:
        for target in plan.receivers_but(draw, <Outbox>skip if skip is not NULL else None):
            if to is None or target.outbox is None or not is_lost(target.outbox):
                deliver_named(target, delivery, to, words)
        return 0
    for i in range(PyTuple_GET_SIZE(plan.plain)):
        target = <Target>PyTuple_GET_ITEM(plan.plain, i)
        if <void *>target.outbox == skip:
            continue
        if to is not None and target.outbox is not None and is_lost(target.outbox):
            continue
        deliver_named(target, delivery, to, words)
    for i in range(PyTuple_GET_SIZE(plan.groups)):
        target = pick(<tuple>PyTuple_GET_ITEM(plan.groups, i), draw, skip)
        if target is not None:
            relieve(target)
            target.deliver(delivery)
    return 0


cdef inline int deliver_named(Target target, Delivery *delivery, bytes to, tuple words) except -1:
    """Give it to one receiver, by its sid or as a line of a leaf link if it names another subject."""
    relieve(target)
    if to is None:
        return target.deliver(delivery)
    if target.outbox is not None and target.outbox.leaf:
        return send_shown(target, to, words)
    return target.direct().deliver(delivery)


cdef int deliver_alone(Target target, handed) except -1:
    """See `seam.Plane.deliver_to`."""
    cdef Delivery delivery, stripped
    cdef Message message
    subject, reply, header, payload, to = handed
    if to and to != subject and target.outbox is not None and target.outbox.leaf:
        return send_shown(target, to, (subject, reply, payload[:header], payload[header:]))
    data = compose(&message, subject, reply, header, payload)  # kept until the end
    arrange(&delivery, &message, None)
    make_room_without_header(&delivery, &message, &stripped)
    try:
        target.deliver(&delivery)
    finally:
        finish_delivery(&delivery)
    return 0


cdef int relieve(Target target) except -1:
    """Ask the owner: it ends a receiver that does not keep up."""
    cdef Outbox outbox = target.outbox
    if outbox is not None and outbox.is_congested and outbox.room() < 0:
        outbox.owner.pressed(own=True)
    return 0


cdef inline Py_ssize_t put_word(char *out, bytes word, char after) noexcept:
    cdef Py_ssize_t size = PyBytes_GET_SIZE(word)
    copy(out, PyBytes_AS_STRING(word), size)
    out[size] = after
    return size + 1


cdef Py_ssize_t put_number(char *out, int64_t number) noexcept nogil:
    """Write its digits; return how many."""
    cdef char digits[_MOST_WORD]
    cdef Py_ssize_t count = 0, i
    while True:
        digits[count] = <char>(c'0' + number % 10)
        number //= 10
        count += 1
        if number == 0:
            break
    for i in range(count):
        out[i] = digits[count - 1 - i]
    return count


cdef bytes write_message(Message *message, bytes subject, bytes reply, bytes headers, bytes payload):
    """The words of a message, as if they had come from a client, and what follows; `message` points there."""
    cdef Py_ssize_t body = PyBytes_GET_SIZE(headers) + PyBytes_GET_SIZE(payload)
    cdef Py_ssize_t most = PyBytes_GET_SIZE(subject) + PyBytes_GET_SIZE(reply) + 2 * _MOST_WORD + body + 8
    cdef char line[1024]
    cdef bytes big
    cdef char *out = line
    cdef Py_ssize_t at
    cdef bytes data
    if most - body > <Py_ssize_t>sizeof(line):
        big = PyBytes_FromStringAndSize(NULL, most - body)
        out = PyBytes_AS_STRING(big)
    message.argument = message.subject = 0
    message.subject_size = PyBytes_GET_SIZE(subject)
    at = put_word(out, subject, c' ')
    message.reply = message.tail = at
    message.reply_size = PyBytes_GET_SIZE(reply)
    if message.reply_size:
        at += put_word(out + at, reply, c' ')
    message.header = PyBytes_GET_SIZE(headers)
    message.header_digits = at
    message.header_digits_size = 0
    if message.header:
        message.header_digits_size = put_number(out + at, message.header)
        at += message.header_digits_size + 1
        out[at - 1] = c' '
    message.size = body
    message.digits = at
    message.digits_size = put_number(out + at, body)
    at += message.digits_size
    out[at] = c'\r'
    out[at + 1] = c'\n'
    message.line_size = at + 2
    message.member = message.member_size = message.shown_size = 0
    data = PyBytes_FromStringAndSize(NULL, message.line_size + body + 2)
    message.line = PyBytes_AS_STRING(data)
    copy(PyBytes_AS_STRING(data), out, message.line_size)
    put_body(PyBytes_AS_STRING(data) + message.line_size, headers, payload)
    return data


cdef void put_body(char *out, bytes headers, bytes payload) noexcept:
    copy(out, PyBytes_AS_STRING(headers), PyBytes_GET_SIZE(headers))
    out += PyBytes_GET_SIZE(headers)
    copy(out, PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
    out += PyBytes_GET_SIZE(payload)
    out[0] = c'\r'
    out[1] = c'\n'


cdef int deliver_own(Plan plan, Draw draw, void *skip, bytes to, tuple words) except -1:
    """Give a message to the receivers of a plan; the words are subject, reply, headers and payload.

    `to` is what they subscribe to, or None if that is the subject.
    """
    cdef Delivery delivery, stripped
    cdef Message message
    cdef bytes data = write_message(
        &message, <bytes?>words[0], <bytes?>words[1], <bytes?>words[2], <bytes?>words[3]
    )
    arrange(&delivery, &message, None)
    make_room_without_header(&delivery, &message, &stripped)
    try:
        deliver_to_receivers(plan, &delivery, draw, skip, to, words)
    finally:
        finish_delivery(&delivery)
    return PyBytes_GET_SIZE(data) > 0


cdef void *server_of(DataPlane plane) noexcept:
    """The outbox that gets nothing, borrowed; NULL for none."""
    return NULL if plane.server is None else <void *>plane.server


cdef object reach_directly(DataPlane plane, bytes to):
    """See `reach.Direct`."""
    cdef Plan plan = plane.lookup.plan_now(plane, SERVER_AUDIENCE, to)
    return reach_named(reach_of(plan, server_of(plane), False))


cdef list receivers_directly(DataPlane plane, bytes to):
    """See `reach.Direct`."""
    cdef Plan plan = plane.lookup.plan_now(plane, RENAMED_AUDIENCE, to)
    cdef Target target
    cdef list found = []
    for target in plan.receivers_but(plane.draw, plane.server):
        if target.place != _NOWHERE or target.outbox is None or not is_lost(target.outbox):
            found.append(target.direct())
    return found


cdef object deliver_directly(DataPlane plane, to, tuple words):
    """See `reach.Direct`; the words are subject, reply, headers and payload."""
    if to is None or None in words:
        raise TypeError("a message is made of bytes")
    cdef bint renamed = to != words[0]
    cdef int64_t audience = RENAMED_AUDIENCE if renamed else SERVER_AUDIENCE
    cdef Plan plan = plane.lookup.plan_now(plane, audience, <bytes?>to)
    cdef int reach = reach_of(plan, server_of(plane), renamed)
    if reach == _SENT:
        deliver_own(plan, plane.draw, server_of(plane), <bytes>to if renamed else None, words)
    return reach_named(reach)
