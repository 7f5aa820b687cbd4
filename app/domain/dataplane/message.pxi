"""The line of a message, taken apart, in the compiled twin: PUB and HPUB, and MSG and HMSG of routes."""

# Uses of framing: is_same, start_size

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport PyObject, Py_INCREF, Py_XDECREF
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcmp, memcpy

from ..protocol.commands import LINE_SLACK
from . import constants, seam
from ..limits import MAX_SIZE_DIGITS

cdef enum:
    _SOUND = -1       # in place of a fault
    _INCOMPLETE = -2  # the same: the rest is still to come

cdef Py_ssize_t SLACK = LINE_SLACK
cdef Py_ssize_t MOST_DIGITS = MAX_SIZE_DIGITS

cdef int CLIENT = seam.Kind.CLIENT
cdef int ROUTE = seam.Kind.ROUTE
cdef bytes MEMBER_MARK = constants.MEMBER_MARK
cdef const char *MARK = PyBytes_AS_STRING(MEMBER_MARK)
cdef Py_ssize_t MARK_SIZE = PyBytes_GET_SIZE(MEMBER_MARK)

cdef int FAULT_ARGUMENTS = seam.Fault.ARGUMENTS
cdef int FAULT_SIZE = seam.Fault.SIZE
cdef int FAULT_PAYLOAD = seam.Fault.PAYLOAD
cdef int FAULT_TERMINATOR = seam.Fault.TERMINATOR
cdef int FAULT_LINE = seam.Fault.LINE


cdef struct Bounds:
    # What a message of one connection may measure, in bytes.
    int64_t payload  # negative for no limit
    Py_ssize_t line


cdef struct Message:
    # A line, understood. Offsets count from `line`.
    const char *line
    Py_ssize_t line_size  # LF included
    Py_ssize_t argument
    Py_ssize_t subject
    Py_ssize_t subject_size
    Py_ssize_t reply
    Py_ssize_t reply_size # 0 for none
    Py_ssize_t digits
    Py_ssize_t digits_size
    int64_t size
    Py_ssize_t tail       # of reply or size, if the bytes from there on serve MSG as they are; else 0
    int64_t header        # bytes of the payload that are headers
    Py_ssize_t header_digits
    Py_ssize_t header_digits_size # 0 if it is PUB or MSG
    Py_ssize_t member     # of the sid of the only one to get it
    Py_ssize_t member_size # 0 if the subject says who gets it
    Py_ssize_t names      # of the queue groups that a message of a leaf link is for
    Py_ssize_t names_size # 0 for none
    Py_ssize_t shown      # of what receivers read as its subject
    Py_ssize_t shown_size # 0 if that is the subject


cdef struct Delivery:
    # What all receivers get, but for the sid: subject, prefix and tail.
    const char *subject
    Py_ssize_t subject_size
    const char *prefix    # in place of reply and size when the tail is only the payload
    Py_ssize_t prefix_size
    const char *tail
    Py_ssize_t tail_size
    Py_ssize_t common_size # of all that a receiver gets, but for what it has of its own
    int64_t size
    PyObject *shared      # the tail as an object, once a receiver needed it
    bint headed           # whether it is HMSG
    Message *message
    # Only of a headed one:
    Delivery *stripped    # room for the same without headers; unused if its `words` is NULL
    PyObject *words       # the prefix, if this is a stripped one


# --- understanding ------------------------------------------------------------


cdef inline bint is_blank(char c) noexcept nogil:
    return c == c' ' or c == c'\t' or c == c'\r'


cdef inline Py_ssize_t end_of_word(const char *line, Py_ssize_t i, Py_ssize_t end) noexcept nogil:
    """Where the word ends that has begun at `i`, or before; most of its bytes are compared once."""
    while True:
        while i < end and line[i] > c' ':
            i += 1
        if i == end or is_blank(line[i]):
            return i
        i += 1


cdef inline bint is_headed(const char *line) noexcept nogil:
    """Whether it is HPUB or HMSG, of a line that is a message."""
    return (line[0] | 0x20) == c'h'


cdef inline bint is_msg(const char *line) noexcept nogil:
    """Whether it is MSG or HMSG, of a line that is a message."""
    return (line[1 if is_headed(line) else 0] | 0x20) == c'm'


cdef inline bint is_message(const char *line, Py_ssize_t count, int kind) noexcept nogil:
    """Whether the line begins with PUB, or on a route with MSG, and a blank."""
    if count < 4 or (line[3] != c' ' and line[3] != c'\t'):
        return False
    if (line[0] | 0x20) == c'p' and (line[1] | 0x20) == c'u' and (line[2] | 0x20) == c'b':
        return True
    return kind == ROUTE and is_msg(line) and (line[1] | 0x20) == c's' and (line[2] | 0x20) == c'g'


cdef inline bint is_any_message(Message *message, int kind, bint headers) noexcept nogil:
    """The same of a whole line, with an H before it too if there may be headers."""
    cdef const char *line = message.line
    cdef Py_ssize_t count = message.line_size - 1
    if is_message(line, count, kind):
        return True
    return headers and count >= 5 and is_headed(line) and is_message(line + 1, count - 1, kind)


cdef inline bint is_member(const char *sid, Py_ssize_t count) noexcept nogil:
    """Whether the sid names one member of a queue group: it begins with `constants.MEMBER_MARK`."""
    return count >= MARK_SIZE and sid[0] == MARK[0] and memcmp(sid, MARK, MARK_SIZE) == 0


cdef inline bint is_of_gateways(const char *name, Py_ssize_t count) noexcept nogil:
    """Whether a subject belongs to gateways, see ``reserved``."""
    return (count > 4 and memcmp(name, b"$GR.", 4) == 0) or (count > 5 and memcmp(name, b"_GR_.", 5) == 0)


cdef inline bint is_reserved_subject(Message *message) noexcept nogil:
    """Whether servers alone publish to the subject."""
    cdef const char *subject = message.line + message.subject
    if subject[0] != c'_' and subject[0] != c'$':
        return False
    return is_of_gateways(subject, message.subject_size)


cdef inline bint is_reserved_reply(Message *message) noexcept nogil:
    """Whether servers alone name the reply subject."""
    cdef const char *reply = message.line + message.reply
    cdef Py_ssize_t count = message.reply_size
    if count < 4 or (reply[0] != c'_' and reply[0] != c'$'):
        return False
    return (
        memcmp(reply, b"_R_.", 4) == 0
        or is_of_gateways(reply, count)
        or (count > 8 and memcmp(reply, b"$JS.ACK.", 8) == 0)
    )


cdef int understand(Message *message, Bounds *bounds) noexcept nogil:
    """Take a message's line apart; answer what is wrong with it, or `_SOUND`."""
    cdef const char *line = message.line
    cdef Py_ssize_t end = message.line_size - 1
    cdef bint headed = is_headed(line)
    cdef Py_ssize_t i = 5 if headed else 4
    cdef Py_ssize_t starts[5]
    cdef Py_ssize_t sizes[5]
    cdef Py_ssize_t argument
    cdef int words = 0
    cdef int before = 2 if is_msg(line) else 1  # words before the reply: the subject, and the sid of MSG
    cdef int most = before + 2 + headed
    while i < end and (line[i] == c' ' or line[i] == c'\t'):
        i += 1
    message.argument = i
    argument = end - i
    if argument and line[end - 1] == c'\r':
        argument -= 1
    if argument > bounds.line or end > bounds.line + SLACK:
        return FAULT_LINE
    while True:
        while i < end and is_blank(line[i]):
            i += 1
        if i == end:
            break
        if words == most:
            return FAULT_ARGUMENTS
        starts[words] = i
        i = end_of_word(line, i, end)
        sizes[words] = i - starts[words]
        words += 1
    if words <= before + headed:
        return FAULT_ARGUMENTS
    message.header = 0
    message.header_digits_size = 0
    if headed:
        message.header_digits = starts[words - 2]
        message.header_digits_size = sizes[words - 2]
    message.subject = starts[0]
    message.subject_size = sizes[0]
    message.digits = starts[words - 1]
    message.digits_size = sizes[words - 1]
    message.reply = starts[before]
    message.reply_size = sizes[before] if words == most else 0
    message.member_size = message.shown_size = 0
    if before == 2 and is_member(line + starts[1], sizes[1]):
        message.member = starts[1]
        message.member_size = sizes[1]
    return read_size(message, bounds)


cdef int read_size(Message *message, Bounds *bounds) noexcept nogil:
    """Read the digits, and see whether the bytes from the reply on serve MSG as they are."""
    cdef const char *digits = message.line + message.digits
    cdef Py_ssize_t i
    cdef uint64_t size = 0
    for i in range(message.digits_size):
        if digits[i] < c'0' or digits[i] > c'9':
            return FAULT_SIZE
        size = size * 10 + (digits[i] - c'0')  # may wrap around, and is no number then
    if message.digits_size > MOST_DIGITS:
        return FAULT_PAYLOAD
    message.size = <int64_t>size
    if 0 <= bounds.payload < message.size:
        return FAULT_PAYLOAD
    if message.header_digits_size and not read_header(message):
        return FAULT_SIZE
    message.tail = 0
    i = message.digits + message.digits_size
    if i + 2 == message.line_size and message.line[i] == c'\r':
        if message.header:
            message.tail = tail_with_header(message)
        elif message.reply_size == 0:
            message.tail = message.digits
        elif message.header_digits_size:
            pass
        elif message.reply + message.reply_size == message.digits - 1:
            if message.line[message.digits - 1] == c' ':
                message.tail = message.reply
    return _SOUND


cdef bint read_header(Message *message) noexcept nogil:
    """Read how many bytes are headers; whether that is a number, and not more than the size."""
    cdef const char *digits = message.line + message.header_digits
    cdef Py_ssize_t i
    cdef int64_t size = 0
    if message.header_digits_size > MOST_DIGITS:
        return False
    for i in range(message.header_digits_size):
        if digits[i] < c'0' or digits[i] > c'9':
            return False
        size = size * 10 + (digits[i] - c'0')
    message.header = size
    return size <= message.size


cdef Py_ssize_t tail_with_header(Message *message) noexcept nogil:
    """Where the bytes that serve HMSG as they are begin; 0 if there is more than one blank between words."""
    cdef const char *line = message.line
    if message.header_digits + message.header_digits_size != message.digits - 1 or line[message.digits - 1] != c' ':
        return 0
    if message.reply_size == 0:
        return message.header_digits
    if message.reply + message.reply_size != message.header_digits - 1 or line[message.header_digits - 1] != c' ':
        return 0
    return message.reply


cdef inline int judge_end(Message *message, Py_ssize_t count) noexcept nogil:
    """What is wrong after the payload of a message of which `count` bytes have come."""
    cdef const char *line = message.line
    cdef int64_t stop = message.line_size + message.size
    if stop + 2 > count:
        return FAULT_TERMINATOR if stop < count and line[stop] != c'\r' else _INCOMPLETE
    return _SOUND if line[stop] == c'\r' and line[stop + 1] == c'\n' else FAULT_TERMINATOR


# --- messages in a row ----------------------------------------------------------


cdef inline Py_ssize_t stride_of(Message *message) noexcept nogil:
    """How many bytes the message takes in all."""
    return message.line_size + message.size + 2


cdef inline bint is_repeated(Message *message, Py_ssize_t count) noexcept nogil:
    """Whether another message with the same line follows this one, within `count` bytes."""
    cdef Py_ssize_t stride = stride_of(message)
    return (
        message.tail != 0
        and count >= stride + message.line_size
        and is_same(message.line + stride, message.line, message.line_size)
    )


cdef inline Py_ssize_t length_of_run(Message *message, Py_ssize_t count, int64_t most) noexcept nogil:
    """How many messages in a row have this line, within `count` bytes; the first is complete."""
    cdef const char *line = message.line
    cdef Py_ssize_t stride = stride_of(message)
    cdef Py_ssize_t repeats = 1, i
    while repeats < most and (repeats + 1) * stride <= count:
        if not is_same(line + repeats * stride, line, message.line_size):
            break
        i = (repeats + 1) * stride
        if line[i - 2] != c'\r' or line[i - 1] != c'\n':
            break
        repeats += 1
    return repeats


# --- what is made of it ---------------------------------------------------------


cdef bytes verb_of(Message *message):
    """The verb, in capitals."""
    cdef const char *line = message.line
    if is_headed(line):
        return b"HMSG" if is_msg(line) else b"HPUB"
    if (line[0] | 0x20) == c'l':
        return b"LMSG"
    return b"MSG" if is_msg(line) else b"PUB"


cdef bytes shown_of(Message *message):
    """What receivers read as the subject."""
    if message.shown_size:
        return PyBytes_FromStringAndSize(message.line + message.shown, message.shown_size)
    return PyBytes_FromStringAndSize(message.line + message.subject, message.subject_size)


cdef bytes argument_of(Message *message):
    return PyBytes_FromStringAndSize(
        message.line + message.argument, message.line_size - 1 - message.argument
    )


cdef bytes text_of(Message *message, int fault, Py_ssize_t count):
    """What `Control.fault` shows of a message of which `count` bytes have come."""
    cdef Py_ssize_t stop
    if fault == FAULT_LINE:
        return b""
    if fault == FAULT_PAYLOAD:
        return PyBytes_FromStringAndSize(message.line + message.digits, message.digits_size)
    if fault == FAULT_TERMINATOR:
        stop = message.line_size + message.size
        return PyBytes_FromStringAndSize(message.line + stop, min(count - stop, 32))
    return argument_of(message)


cdef bytes canonical(Message *message):
    """What is between sid and payload in MSG or HMSG, for a line that was spelled otherwise."""
    cdef bytes size = PyBytes_FromStringAndSize(message.line + message.digits, message.digits_size) + b"\r\n"
    if message.header:
        size = PyBytes_FromStringAndSize(
            message.line + message.header_digits, message.header_digits_size
        ) + b" " + size
    return after_reply(message, size)


cdef bytes after_reply(Message *message, bytes size):
    """The reply subject, if any, and the sizes."""
    if message.reply_size == 0:
        return size
    return PyBytes_FromStringAndSize(message.line + message.reply, message.reply_size) + b" " + size


cdef bytes compose(Message *message, bytes subject, bytes reply, int64_t header, bytes payload):
    """Let this be the message that has these parts; it is in the bytes that are returned."""
    cdef int64_t size = PyBytes_GET_SIZE(payload)
    cdef bytes line, data
    if header < 0 or header > size:
        raise ValueError(f"{header} bytes of headers in a message of {size}")
    line = subject + (reply + b" " if reply else b"") + (b"%d " % header if header else b"") + b"%d\r\n" % size
    data = line + payload + b"\r\n"
    message.line = PyBytes_AS_STRING(data)
    message.line_size = PyBytes_GET_SIZE(line)
    message.subject = 0
    message.subject_size = message.reply = message.tail = PyBytes_GET_SIZE(subject)
    message.reply_size = PyBytes_GET_SIZE(reply)
    message.size = size
    message.header = header
    message.shown_size = 0
    return data


cdef inline void arrange(Delivery *delivery, Message *message, bytes prefix) noexcept:
    """Let this be the delivery of a message; `prefix` is `canonical`, or None if the line serves as it is."""
    delivery.message = message
    if unlikely(message.shown_size):
        delivery.subject = message.line + message.shown
        delivery.subject_size = message.shown_size
    else:
        delivery.subject = message.line + message.subject
        delivery.subject_size = message.subject_size
    delivery.size = message.size
    delivery.shared = NULL
    delivery.headed = message.header != 0
    if prefix is None:
        delivery.prefix_size = 0
        delivery.tail = message.line + message.tail
        delivery.tail_size = message.line_size - message.tail + message.size + 2
    else:
        delivery.prefix = PyBytes_AS_STRING(prefix)
        delivery.prefix_size = PyBytes_GET_SIZE(prefix)
        delivery.tail = message.line + message.line_size
        delivery.tail_size = message.size + 2
    set_common_size(delivery)


cdef inline void set_common_size(Delivery *delivery) noexcept:
    delivery.common_size = (
        delivery.headed + start_size(delivery.subject_size) + delivery.prefix_size + delivery.tail_size
    )


cdef inline void give_room(Delivery *delivery, Delivery *stripped) noexcept:
    """Let a headed delivery have room for the one without headers."""
    delivery.stripped = stripped
    stripped.words = NULL


cdef inline void make_room_without_header(Delivery *delivery, Message *message, Delivery *stripped) noexcept:
    """The same of any delivery, if it is headed."""
    if delivery.headed:
        give_room(delivery, stripped)


cdef Delivery *without_header(Delivery *delivery) except NULL:
    """The delivery for receivers that take no headers, arranged for the first of them."""
    cdef Delivery *stripped = delivery.stripped
    cdef Message *message = delivery.message
    cdef bytes words
    if stripped.words is NULL:
        words = after_reply(message, b"%d\r\n" % (message.size - message.header))
        arrange(stripped, message, words)
        stripped.headed = False
        stripped.size = message.size - message.header
        stripped.tail += message.header
        stripped.tail_size -= message.header
        set_common_size(stripped)
        Py_INCREF(words)
        stripped.words = <PyObject *>words
    return stripped


cdef inline void finish_delivery(Delivery *delivery) noexcept:
    """Let go of the objects of a delivery."""
    Py_XDECREF(delivery.shared)
    if delivery.headed and delivery.stripped.words is not NULL:
        Py_XDECREF(delivery.stripped.shared)
        Py_XDECREF(delivery.stripped.words)
