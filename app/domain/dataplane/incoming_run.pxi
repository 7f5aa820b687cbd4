"""Messages in a row for one subscription of a client inside the server, in the compiled twin.

See ``incoming_run``.
"""

# Uses of ack_run: ACK_START
# Uses of message: MOST_DIGITS

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memchr, memcmp, memset

from . import incoming_run

cdef object IncomingRun = incoming_run.IncomingRun
cdef object MessageAlone = incoming_run.MessageAlone
cdef object make_tuple = tuple.__new__
cdef Py_ssize_t RUN_BYTES = incoming_run.RUN_BYTES
cdef Py_ssize_t GREATEST_SUBJECT = incoming_run.GREATEST_SUBJECT
cdef Py_ssize_t GREATEST_HEADERS = incoming_run.GREATEST_HEADERS
cdef Py_ssize_t GREATEST_DATA = incoming_run.GREATEST_DATA

cdef enum:
    _FIELDS = 7
    _MOST_WORDS = 6
    _VERSION_SIZE = 8    # of NATS/1.0
    _NO_FIELDS_SIZE = 12 # of that with an empty line after it
    _FIRST_ROOM = 256
    _SPECIAL_SIZE = 5    # of Nats-
    _ID_SIZE = 12        # of Nats-Msg-Id:
    _SUFFIX_SIZE = 4     # of FAST_SUFFIX


cdef struct Frame:
    Py_ssize_t subject
    Py_ssize_t subject_size
    Py_ssize_t sid
    Py_ssize_t sid_size
    Py_ssize_t reply
    Py_ssize_t reply_size
    Py_ssize_t block
    Py_ssize_t header
    Py_ssize_t size
    Py_ssize_t stop
    Py_ssize_t ident  # the message's id
    Py_ssize_t ident_size


cdef inline bint is_batched(const char *text, Frame *frame) noexcept nogil:
    """Whether the message is of a fast batch, as its reply says."""
    cdef Py_ssize_t size = frame.reply_size
    return size >= _SUFFIX_SIZE and memcmp(text + frame.reply + size - _SUFFIX_SIZE, b".$FI", _SUFFIX_SIZE) == 0


cdef struct Rows:
    # Room for a number of messages: their fields, and the numbers of their subjects.
    uint32_t *fields
    uint32_t *ids
    Py_ssize_t room


cdef inline bint parse_size(const char *digits, Py_ssize_t count, Py_ssize_t *size) noexcept nogil:
    cdef Py_ssize_t number = 0, i
    if count < 1 or count > MOST_DIGITS:
        return False
    for i in range(count):
        if digits[i] < c'0' or digits[i] > c'9':
            return False
        number = number * 10 + (digits[i] - c'0')
    size[0] = number
    return True


cdef const char *find_special(const char *at, const char *end) noexcept nogil:
    """The first place where something may have to be obeyed; NULL for none."""
    while end - at >= _SPECIAL_SIZE:
        at = <const char *>memchr(at, c'N', end - at)
        if at is NULL:
            return NULL
        if end - at >= _SPECIAL_SIZE and memcmp(at, b"Nats-", _SPECIAL_SIZE) == 0:
            return at
        at += 1
    return NULL


cdef bint find_id(const char *text, const char *headers, const char *end, Frame *frame) noexcept nogil:
    """Note the id of a message, if there is one; False if something else has to be obeyed."""
    cdef const char *at = find_special(headers, end)
    cdef const char *stop
    if at is NULL:
        return True
    if at - headers < 2 or end - at < _ID_SIZE or memcmp(at - 2, b"\r\nNats-Msg-Id:", 2 + _ID_SIZE) != 0:
        return False
    if find_special(at + _SPECIAL_SIZE, end) is not NULL:
        return False
    at += _ID_SIZE
    while at < end and at[0] == c' ':
        at += 1
    stop = at
    while stop + 1 < end and not (stop[0] == c'\r' and stop[1] == c'\n'):
        stop += 1
    if stop + 1 >= end or stop == at:
        return False
    frame.ident = at - text
    frame.ident_size = stop - at
    return True


cdef bint has_plain_headers(const char *text, Frame *frame) noexcept nogil:
    """Whether nothing in the headers has to be obeyed or changed, but for an id."""
    cdef const char *headers = text + frame.block
    cdef Py_ssize_t count = frame.header
    if count > GREATEST_HEADERS or not find_id(text, headers, headers + count, frame):
        return False
    if count < _VERSION_SIZE or memcmp(headers, b"NATS/1.0", _VERSION_SIZE) != 0:
        return True
    return count > _VERSION_SIZE and headers[_VERSION_SIZE] == c'\r'


cdef bint split_frame(const char *data, Py_ssize_t size, Py_ssize_t position, Frame *frame) noexcept nogil:
    """Take apart the message that begins there; False if it is none."""
    cdef Py_ssize_t starts[_MOST_WORDS]
    cdef Py_ssize_t sizes[_MOST_WORDS]
    cdef const char *found
    cdef Py_ssize_t end = position, i, at, words = 0
    cdef bint headed
    while True:
        found = <const char *>memchr(data + end, c'\r', size - end) if end < size else NULL
        if found is NULL or found - data + 1 >= size:
            return False
        end = found - data
        if data[end + 1] == c'\n':
            break
        end += 1
    at = position
    for i in range(position, end + 1):
        if i == end or data[i] == c' ':
            if words == _MOST_WORDS:
                return False
            starts[words] = at
            sizes[words] = i - at
            words += 1
            at = i + 1
    headed = sizes[0] == 4
    if sizes[0] != 3 + headed or memcmp(data + position, b"HMSG" if headed else b"MSG", sizes[0]) != 0:
        return False
    if words < 4 + headed or words > 5 + headed:
        return False
    frame.header = 0
    if not parse_size(data + starts[words - 1], sizes[words - 1], &frame.size):
        return False
    if headed and not parse_size(data + starts[words - 2], sizes[words - 2], &frame.header):
        return False
    frame.block = end + 2
    frame.stop = frame.block + frame.size + 2
    if frame.header > frame.size or frame.stop > size or sizes[2] == 0:
        return False
    frame.subject, frame.subject_size = starts[1], sizes[1]
    frame.sid, frame.sid_size = starts[2], sizes[2]
    frame.reply_size = sizes[3] if words == 5 + headed else 0
    frame.reply = starts[3] if frame.reply_size else 0
    return True


cdef bint read_frame(const char *data, Py_ssize_t size, Py_ssize_t position, Frame *frame) noexcept nogil:
    """The same for a message that may be in a run; False for another one."""
    if not split_frame(data, size, position, frame) or frame.subject_size > GREATEST_SUBJECT:
        return False
    frame.ident = frame.ident_size = 0
    if frame.header:
        if not has_plain_headers(data, frame):
            return False
        if frame.header == _NO_FIELDS_SIZE and memcmp(data + frame.block, b"NATS/1.0\r\n\r\n", _NO_FIELDS_SIZE) == 0:
            frame.block += _NO_FIELDS_SIZE
            frame.size -= _NO_FIELDS_SIZE
            frame.header = 0
    return True


cdef object message_alone(bytes data):
    """See `incoming_run.read_one`."""
    cdef const char *text = PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    cdef Frame frame
    if size >= PyBytes_GET_SIZE(ACK_START) and memcmp(text, PyBytes_AS_STRING(ACK_START), PyBytes_GET_SIZE(ACK_START)) == 0:
        return None
    if not split_frame(text, size, 0, &frame) or frame.stop != size:
        return None
    return make_tuple(
        MessageAlone,
        (
            PyBytes_FromStringAndSize(text + frame.sid, frame.sid_size),
            PyBytes_FromStringAndSize(text + frame.subject, frame.subject_size),
            PyBytes_FromStringAndSize(text + frame.block, frame.header),
            PyBytes_FromStringAndSize(text + frame.block + frame.header, frame.size - frame.header),
            PyBytes_FromStringAndSize(text + frame.reply, frame.reply_size),
        ),
    )


cdef int widen_rows(Rows *rows) except -1:
    """Have room for twice as many."""
    cdef Py_ssize_t wanted = 2 * rows.room if rows.room else _FIRST_ROOM
    cdef void *moved = realloc(rows.fields, wanted * _FIELDS * sizeof(uint32_t))
    if moved is NULL:
        raise MemoryError
    rows.fields = <uint32_t *>moved
    moved = realloc(rows.ids, wanted * sizeof(uint32_t))
    if moved is NULL:
        raise MemoryError
    rows.ids = <uint32_t *>moved
    rows.room = wanted
    return 0


cdef inline void put_frame(uint32_t *row, Frame *frame) noexcept nogil:
    row[0] = <uint32_t>frame.subject
    row[1] = <uint32_t>frame.subject_size
    row[2] = <uint32_t>frame.reply
    row[3] = <uint32_t>frame.reply_size
    row[4] = <uint32_t>frame.block
    row[5] = <uint32_t>frame.header
    row[6] = <uint32_t>frame.size


cdef uint32_t subject_number(dict numbers, const char *subject, Py_ssize_t count) except? 0xFFFFFFFF:
    """The number of a subject among those of a run; a new one gets the next."""
    cdef bytes name = PyBytes_FromStringAndSize(subject, count)
    number = numbers.get(name)
    if number is None:
        number = len(numbers)
        numbers[name] = number
    return number


cdef object run_from(bytes data, Py_ssize_t start, Py_ssize_t most, bint named):
    """See `incoming_run.read_run`."""
    cdef Rows rows
    rows.fields = rows.ids = NULL
    rows.room = 0
    try:
        return read_rows(&rows, data, start, most, named)
    finally:
        free(rows.fields)
        free(rows.ids)


cdef object read_rows(Rows *rows, bytes data, Py_ssize_t start, Py_ssize_t most, bint named):
    cdef const char *text = PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    cdef Py_ssize_t position = start, count = 0
    cdef int64_t total = 0, largest = 0
    cdef dict numbers = {}
    cdef list message_ids = []
    cdef Frame frame, before
    cdef bint batched = False
    if start < 0:
        raise ValueError("a run begins in the data")
    memset(&before, 0, sizeof(Frame))
    while count < most and position - start < RUN_BYTES and size <= GREATEST_DATA:
        if not read_frame(text, size, position, &frame):
            break
        if count and (
            frame.sid_size != before.sid_size
            or memcmp(text + frame.sid, text + before.sid, frame.sid_size) != 0
            or is_batched(text, &frame) != batched
        ):
            break
        if not count:
            batched = is_batched(text, &frame)
        if count == rows.room:
            widen_rows(rows)
        put_frame(rows.fields + count * _FIELDS, &frame)
        if named:
            if (
                count
                and frame.subject_size == before.subject_size
                and memcmp(text + frame.subject, text + before.subject, frame.subject_size) == 0
            ):
                rows.ids[count] = rows.ids[count - 1]
            else:
                rows.ids[count] = subject_number(numbers, text + frame.subject, frame.subject_size)
        if frame.ident_size or message_ids:
            if not message_ids:
                message_ids = [b""] * count
            message_ids.append(PyBytes_FromStringAndSize(text + frame.ident, frame.ident_size))
        count += 1
        total += frame.size
        largest = max(largest, frame.size)
        position = frame.stop
        before = frame
    return IncomingRun(
        data,
        start,
        position,
        PyBytes_FromStringAndSize(<char *>rows.fields, count * _FIELDS * sizeof(uint32_t)),
        PyBytes_FromStringAndSize(<char *>rows.ids, count * sizeof(uint32_t) if named else 0),
        list(numbers),
        total,
        largest,
        message_ids,
        bool(batched),
    )
