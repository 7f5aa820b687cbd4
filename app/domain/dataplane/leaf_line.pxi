"""The line of a message on a leaf link, taken apart, in the compiled twin: see ``leaf_line``."""

# Uses of message: Bounds, FAULT_ARGUMENTS, FAULT_LINE, Message, SLACK, is_any_message, is_blank,
#     is_headed, read_size, understand

from libc.string cimport memchr, memcmp

from . import seam

cdef int LEAF = seam.Kind.LEAF


cdef inline bint is_served(Message *message, int kind, bint headers) noexcept nogil:
    """Whether the line is a message that a peer of this kind may send."""
    cdef const char *line = message.line
    if kind != LEAF:
        return is_any_message(message, kind, headers)
    if message.line_size < 6 or (line[4] != c' ' and line[4] != c'\t'):
        return False
    if (line[1] | 0x20) != c'm' or (line[2] | 0x20) != c's' or (line[3] | 0x20) != c'g':
        return False
    return (line[0] | 0x20) == c'l' or (headers and is_headed(line))


cdef inline int understand_of(int kind, Message *message, Bounds *bounds) noexcept nogil:
    """Take a message's line apart, from a peer of any kind; see `understand`."""
    return understand_leaf(message, bounds) if kind == LEAF else understand(message, bounds)


cdef int understand_leaf(Message *message, Bounds *bounds) noexcept nogil:
    """See `leaf_line.understand`."""
    cdef const char *line = message.line
    cdef Py_ssize_t end = message.line_size - 1
    cdef Py_ssize_t i = 4
    cdef Py_ssize_t starts[4]  # of the first four words
    cdef Py_ssize_t sizes[4]
    cdef Py_ssize_t last[3]    # where the latest three end
    cdef Py_ssize_t begun[2]   # where the latest two begin
    cdef Py_ssize_t argument, start
    cdef int words = 0, before, first
    cdef bint headed = is_headed(line)
    while i < end and (line[i] == c' ' or line[i] == c'\t'):
        i += 1
    message.argument = i
    argument = end - i
    if argument and line[end - 1] == c'\r':
        argument -= 1
    if argument > bounds.line or end > bounds.line + SLACK:
        return FAULT_LINE
    last[0] = last[1] = last[2] = begun[0] = begun[1] = 0
    while True:
        while i < end and is_blank(line[i]):
            i += 1
        if i == end:
            break
        start = i
        while i < end and not is_blank(line[i]):
            i += 1
        if words < 4:
            starts[words] = start
            sizes[words] = i - start
        words += 1
        last[0] = last[1]
        last[1] = last[2]
        last[2] = i
        begun[0] = begun[1]
        begun[1] = start
    before = words - 1 - headed  # words before the sizes
    if before < 1:
        return FAULT_ARGUMENTS
    message.subject = starts[0]
    message.subject_size = sizes[0]
    message.digits = begun[1]
    message.digits_size = last[2] - begun[1]
    message.header = message.header_digits_size = 0
    if headed:
        message.header_digits = begun[0]
        message.header_digits_size = last[1] - begun[0]
    message.member_size = message.reply_size = message.names_size = 0
    if before == 2:
        message.reply = starts[1]
        message.reply_size = sizes[1]
    elif before > 2:
        if sizes[1] != 1 or (line[starts[1]] != c'+' and line[starts[1]] != c'|'):
            return FAULT_ARGUMENTS
        first = 2
        if line[starts[1]] == c'+':
            message.reply = starts[2]
            message.reply_size = sizes[2]
            first = 3
        if before > first:
            message.names = starts[first]
            message.names_size = last[0 if headed else 1] - starts[first]
    split_reply(message)
    return read_size(message, bounds)


cdef inline void split_reply(Message *message) noexcept nogil:
    """Find the subject that comes after the reply subject of a message of a stream."""
    cdef const char *reply = message.line + message.reply
    cdef const char *mark
    message.shown_size = 0
    if message.reply_size < 10 or memcmp(reply, b"$JS.ACK.", 8) != 0:
        return
    mark = <const char *>memchr(reply, c'@', message.reply_size)
    if mark is NULL or mark - reply + 1 == message.reply_size:
        return
    message.shown = mark + 1 - message.line
    message.shown_size = message.reply_size - (mark - reply) - 1
    message.reply_size = mark - reply
