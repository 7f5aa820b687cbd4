"""What is sent over a leaf link, in the compiled twin: see ``link_lines``."""

# Uses of direct: put_number
# Uses of draw: Draw
# Uses of framing: copy
# Uses of message: Delivery, Message
# Uses of outbox: Outbox, REFERENCED_BYTES
# Uses of plan: NAMES_MEMBERS, Plan, Target, pick

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport PyObject, Py_INCREF, Py_XDECREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy, memset

from . import constants

cdef bytes FAR_MEMBER = constants.FAR_MEMBER

cdef enum:
    _MOST_SIZES = 48  # both sizes of a message with headers, and what is between and after them
    _FEW_GROUPS = 8   # mixed groups of a plan for which no memory is asked for


# --- one line for all at a link ---------------------------------------------------


cdef int deliver_lines(Plan plan, Delivery *delivery, Draw draw, void *skip) except -1:
    """Give the message to the members of mixed groups, and to the links of the plan, one line each."""
    cdef Py_ssize_t mixed = plan.mixed, i
    cdef PyObject *few[2 * _FEW_GROUPS]
    cdef PyObject **drawn = few
    cdef Target target
    if mixed == 1 and plan.links == 0:  # nothing to share a line with
        target = pick(<tuple>PyTuple_GET_ITEM(plan.groups, 0), draw, skip)
        return 0 if target is None else target.deliver(delivery)
    if mixed > _FEW_GROUPS:
        drawn = <PyObject **>malloc(2 * mixed * sizeof(PyObject *))
        if drawn is NULL:
            raise MemoryError
    memset(drawn, 0, 2 * mixed * sizeof(PyObject *))
    try:
        if draw_all(plan, drawn, draw, skip):
            return deliver_joined(plan, drawn, delivery, skip)
        for i in range(mixed):
            if drawn[i] is not NULL:
                deliver_drawn(drawn, mixed, i, delivery)
        for i in range(PyTuple_GET_SIZE(plan.plain) - plan.links, PyTuple_GET_SIZE(plan.plain)):
            deliver_plain(<Target>PyTuple_GET_ITEM(plan.plain, i), delivery, skip)
    finally:
        for i in range(mixed):
            if drawn[mixed + i] is not NULL:
                (<Outbox>drawn[mixed + i]).drawn = 0
            Py_XDECREF(drawn[i])
            Py_XDECREF(drawn[mixed + i])
        if drawn is not few:
            free(drawn)
    return 0


cdef bint draw_all(Plan plan, PyObject **drawn, Draw draw, void *skip) except -1:
    """Draw a member of each mixed group; after them come the outboxes of those at links, which count.

    Whether one of them is at the end of another server's link.
    """
    cdef bint has_far = False
    cdef Py_ssize_t i
    cdef Target target
    for i in range(plan.mixed):
        target = pick(<tuple>PyTuple_GET_ITEM(plan.groups, i), draw, skip)
        if target is None or target.outbox is None:
            continue
        Py_INCREF(target)
        drawn[i] = <PyObject *>target
        if target.outbox.leaf:
            Py_INCREF(target.outbox)
            drawn[plan.mixed + i] = <PyObject *>target.outbox
            target.outbox.drawn += 1
        elif is_far(target):
            has_far = True
    return has_far


cdef inline bint is_far(Target target) noexcept:
    """Whether the sid begins with `constants.FAR_MEMBER`."""
    cdef Py_ssize_t size = PyBytes_GET_SIZE(FAR_MEMBER)
    if PyBytes_GET_SIZE(target.middle) <= size:
        return False
    return memcmp(PyBytes_AS_STRING(target.middle) + 1, PyBytes_AS_STRING(FAR_MEMBER), size) == 0


cdef int deliver_drawn(PyObject **drawn, Py_ssize_t mixed, Py_ssize_t place, Delivery *delivery) except -1:
    """Give the message to a member, and to all others at its link in the same line."""
    cdef Target target = <Target>drawn[place]
    cdef Outbox outbox
    cdef Py_ssize_t i
    cdef list names
    if drawn[mixed + place] is NULL:
        return target.deliver(delivery)
    outbox = <Outbox>drawn[mixed + place]
    if outbox.drawn < 0:
        target.delivered += 1  # the line is there already
        return 0
    if outbox.drawn == 1:
        outbox.drawn = -1
        return target.deliver(delivery)
    outbox.drawn = -1
    names = []
    for i in range(place, mixed):
        if drawn[mixed + i] is drawn[mixed + place]:
            names.append(name_of(<Target>drawn[i]))
    target.delivered += 1
    return Target(outbox, b" ".join(names), None).deliver(delivery)


cdef int deliver_plain(Target target, Delivery *delivery, void *skip) except -1:
    """Give the message to a link, unless it has a line already."""
    if <void *>target.outbox == skip:
        return 0
    if target.outbox is not None and target.outbox.drawn < 0:
        target.delivered += 1
        return 0
    return target.deliver(delivery)


cdef bytes name_of(Target target):
    """Its queue group, or those of a line; empty for none."""
    cdef Py_ssize_t size = PyBytes_GET_SIZE(target.middle) - 2
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(target.middle) + 1, max(size, 0))


cdef int deliver_joined(Plan plan, PyObject **drawn, Delivery *delivery, void *skip) except -1:
    """The same where another server has drawn members at the ends of its links: see `joining`."""
    cdef Target target
    cdef Py_ssize_t i
    cdef list found = []
    cdef dict sharing = {}
    for i in range(plan.mixed):
        if drawn[i] is not NULL:
            found.append(<Target>drawn[i])
    for i in range(PyTuple_GET_SIZE(plan.plain) - plan.links, PyTuple_GET_SIZE(plan.plain)):
        target = <Target>PyTuple_GET_ITEM(plan.plain, i)
        if <void *>target.outbox != skip:
            found.append(target)
    for target in found:
        sharing[id(target.outbox)] = sharing.get(id(target.outbox), 0) + 1
    for target in found:
        if target.outbox is not None and target.outbox.leaf and sharing[id(target.outbox)] > 1:
            target.delivered += 1
    for target in join_targets(found, Target):
        target.deliver(delivery)
    return 0


# --- how a line is written --------------------------------------------------------


cdef int put_line(Outbox outbox, Target target, Delivery *delivery) except -1:
    """Queue the line for a receiver at a link, and the payload."""
    cdef Py_ssize_t middle = PyBytes_GET_SIZE(target.middle)
    cdef Py_ssize_t size
    if middle > 1 or delivery.message.shown_size:
        if is_size_and_payload(delivery):
            return put_as_it_came(outbox, target, delivery)
        return put_named(outbox, target, delivery)
    if delivery.tail_size >= REFERENCED_BYTES:
        return outbox.refer(target, delivery)
    size = middle + delivery.common_size + (not delivery.headed)
    outbox.ensure(size)
    copy(outbox.put_head(target, delivery), delivery.tail, delivery.tail_size)
    outbox.advance(size)
    return 0


cdef inline Py_ssize_t reply_at_link(Message *message) noexcept nogil:
    """The size of the reply subject as links have it: with the subject that is shown after it."""
    return message.shown + message.shown_size - message.reply if message.shown_size else message.reply_size


cdef inline bint is_size_and_payload(Delivery *delivery) noexcept nogil:
    """Whether the tail is the size, without zeros before it, and the payload."""
    cdef Message *message = delivery.message
    if message.reply_size or message.shown_size or delivery.headed or delivery.prefix_size:
        return False
    return delivery.tail[0] != c'0' or delivery.tail[1] == c'\r'


cdef int put_as_it_came(Outbox outbox, Target target, Delivery *delivery) except -1:
    """The same with the names of queue groups, before the tail as it is; see `is_size_and_payload`."""
    cdef Py_ssize_t middle = PyBytes_GET_SIZE(target.middle)
    cdef Py_ssize_t size = 7 + delivery.subject_size + middle + delivery.tail_size
    cdef char *out
    outbox.ensure(size)
    out = outbox.tip()
    memcpy(out, b"LMSG ", 5)
    copy(out + 5, delivery.subject, delivery.subject_size)
    out += 5 + delivery.subject_size
    memcpy(out, b" |", 2)
    copy(out + 2, PyBytes_AS_STRING(target.middle), middle)
    copy(out + 2 + middle, delivery.tail, delivery.tail_size)
    outbox.advance(size)
    return 0


cdef int put_named(Outbox outbox, Target target, Delivery *delivery) except -1:
    """The same with the names of queue groups, which come between reply subject and sizes, if there are any."""
    cdef Message *message = delivery.message
    cdef Py_ssize_t middle = PyBytes_GET_SIZE(target.middle)
    cdef Py_ssize_t reply = reply_at_link(message)
    cdef Py_ssize_t body = delivery.size + 2
    cdef char *out
    outbox.ensure(5 + message.subject_size + 3 + reply + middle + _MOST_SIZES + body)
    out = outbox.tip()
    memcpy(out, b"HMSG " if delivery.headed else b"LMSG ", 5)
    out += 5
    copy(out, message.line + message.subject, message.subject_size)
    out += message.subject_size
    memcpy(out, b" + ", 3)
    if middle > 1:
        out += 3 if reply else 2
        (out - 1)[0] = c' ' if reply else c'|'
    else:
        out += 1
    copy(out, message.line + message.reply, reply)
    out += reply
    copy(out, PyBytes_AS_STRING(target.middle), middle)
    out += middle
    if delivery.headed:
        out += put_number(out, message.header)
        out[0] = c' '
        out += 1
    out += put_number(out, delivery.size)
    memcpy(out, b"\r\n", 2)
    copy(out + 2, delivery.tail + delivery.tail_size - body, body)
    out += 2 + body
    outbox.advance(out - outbox.tip())
    return 0


cdef bytes words_of(Delivery *delivery):
    """What is between the receiver and the payload, as it is written."""
    cdef bytes prefix = b""
    if delivery.prefix_size:
        prefix = PyBytes_FromStringAndSize(delivery.prefix, delivery.prefix_size)
    words = prefix + PyBytes_FromStringAndSize(delivery.tail, delivery.tail_size - delivery.size - 2)
    return words[: words.index(b"\r")]


cdef int trace_line(Outbox outbox, Target target, Delivery *delivery) except -1:
    """Say what was queued."""
    cdef Message *message = delivery.message
    cdef bytes reply, name = name_of(target)
    cdef bytes sizes = b"%d" % delivery.size
    if delivery.headed:
        sizes = b"%d %b" % (message.header, sizes)
    subject = message.line[message.subject:message.subject + message.subject_size]
    reply = message.line[message.reply:message.reply + reply_at_link(message)]
    verb = b"HMSG" if delivery.headed else b"LMSG"
    if not name and not message.shown_size:
        outbox.owner.sent(verb + b" " + subject + b" " + words_of(delivery))
        return 0
    if name:
        words = [verb, subject, b"+" if reply else b"|", reply, name, sizes]
    else:
        words = [verb, subject, reply, sizes]
    outbox.owner.sent(b" ".join([word for word in words if word]))
    return 0


# --- messages of the server itself ------------------------------------------------


cdef inline bint is_lost(Outbox outbox) noexcept:
    """See `link_lines.is_lost`."""
    return outbox.naming == NAMES_MEMBERS and not outbox.leaf


cdef int send_shown(Target target, bytes to, tuple words) except -1:
    """See `direct.DirectDelivery`; the words are those of `deliver_own`."""
    cdef bytes subject = words[0], reply = words[1], headers = words[2], payload = words[3]
    cdef Outbox outbox = target.outbox
    cdef bytes name = name_of(target), line, data
    if outbox.closed or not reply.startswith(b"$JS.ACK."):
        return 0
    headed = outbox.headers and len(headers) > 0
    body = headers + payload if headed else payload
    start = [b"HMSG" if headed else b"LMSG", to, *([b"+"] if name else [])]
    sizes = [b"%d" % len(headers)] if headed else []
    parts = [*start, reply + b"@" + subject, *([name] if name else []), *sizes, b"%d" % len(body)]
    line = b" ".join(parts)
    data = line + b"\r\n" + body + b"\r\n"
    outbox.count(target, len(body), 1)
    outbox.append(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
    if outbox.trace:
        outbox.owner.sent(line)
    return outbox.touch(False)
