# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Records of messages in a row, checked in place: see `record_run`; and read into columns: see `quick_scan`."""

from cpython cimport array
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp

import array
from ...domain.jetstream.storage import chunk
from . import quick_scan, record, record_run, run_encoding

cdef enum:
    # What a record has before its subject; see `record.HEAD`.
    _KIND = 4
    _SUBJECT = 6
    _HEADERS = 8
    _EPOCH = 5
    _SEQUENCE = 12
    _TIME = 20
    _BEFORE = 28
    _HEAD = 32
    _CHECKSUM = 4

cdef int MESSAGE = record.MESSAGE
cdef int FIRST_OF_EPOCH = record.FIRST_OF_EPOCH
cdef int REMOVING_MESSAGE = record.REMOVING_MESSAGE
cdef int64_t HEADERS = run_encoding.HEADERS
cdef int64_t OVERHEAD = run_encoding.OVERHEAD
cdef uint64_t WITH_HEADERS = chunk.WITH_HEADERS
cdef object Bodies = record_run.Bodies
cdef object Reached = quick_scan.Reached
cdef object split_removals = record.split_removals
cdef array.array _COLUMN = array.array("q")

if record.HEAD.size != _HEAD:
    raise ImportError("records have another form")


include "crc32.pxi"

prepare_crc32()


cdef inline uint64_t read_number(const uint8_t *data, int size) noexcept nogil:
    """A number of this size in bytes, little end first."""
    cdef uint64_t value = 0
    cdef int i
    for i in range(size):
        value |= <uint64_t>data[i] << (8 * i)
    return value


cdef inline bint is_good(
    const uint8_t *at, Py_ssize_t room, uint64_t sequence, Py_ssize_t subject_size, uint32_t seed
) noexcept nogil:
    """Whether a message that removes nothing begins there, with all its bytes."""
    cdef Py_ssize_t length, headers
    if room < _HEAD + _CHECKSUM:
        return False
    length = <Py_ssize_t>read_number(at, 4)
    headers = <Py_ssize_t>read_number(at + _HEADERS, 4)
    if (at[_KIND] & ~FIRST_OF_EPOCH) != MESSAGE or read_number(at + _SEQUENCE, 8) != sequence:
        return False
    if <Py_ssize_t>read_number(at + _SUBJECT, 2) != subject_size:
        return False
    if not _HEAD + _CHECKSUM + subject_size + headers <= length <= room:
        return False
    return crc_of(at, length - _CHECKSUM, seed) == read_number(at + length - _CHECKSUM, 4)


def checksum(bytes data not None, uint32_t seed):
    """As zlib.crc32; for tests."""
    return crc_of(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), seed)


def check_records(bytes block not None, int64_t base, uint64_t salt, array.array offsets not None, int64_t first, list subjects not None):
    """See `record_run.RecordChecks`."""
    cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(block)
    cdef const uint8_t *record
    cdef Py_ssize_t count = len(offsets), size = PyBytes_GET_SIZE(block), done = 0, named
    cdef int64_t at, offset
    cdef array.array heads, starts, ends
    if offsets.ob_descr.typecode != c"I" or len(subjects) != count:
        raise TypeError("a run is made of columns of the same length")
    heads, starts = array.clone(_COLUMN, count, False), array.clone(_COLUMN, count, False)
    ends = array.clone(_COLUMN, count, False)
    while done < count:
        offset = offsets.data.as_uints[done]
        at = offset - base
        named = PyBytes_GET_SIZE(<bytes?>subjects[done])
        if at < 0 or at >= size:
            break
        record = data + at
        if not is_good(record, size - at, first + done, named, <uint32_t>(salt ^ <uint64_t>offset)):
            break
        heads.data.as_longlongs[done] = <int64_t>read_number(record + _HEADERS, 4)
        starts.data.as_longlongs[done] = at + _HEAD + named
        ends.data.as_longlongs[done] = at + <int64_t>read_number(record, 4) - _CHECKSUM
        done += 1
    if done < count:
        for column in (heads, starts, ends):
            array.resize(column, done)
    return Bodies(heads, starts, ends)


cdef class Subjects:
    """The numbers of subjects; one that is the one before costs a comparison."""

    cdef object columns
    cdef dict numbers
    cdef bytes before
    cdef uint32_t number

    def __cinit__(self, columns):
        self.columns = columns
        self.numbers = {}

    cdef int find(self, const uint8_t *name, Py_ssize_t size) except -1:
        """Have the number of this one."""
        if self.before is not None and PyBytes_GET_SIZE(self.before) == size:
            if memcmp(PyBytes_AS_STRING(self.before), name, size) == 0:
                return 0
        subject = PyBytes_FromStringAndSize(<const char *>name, size)
        found = self.numbers.get(subject)
        if found is None:
            found = self.numbers[subject] = self.columns.number_of(subject)
        self.before, self.number = subject, found
        return 0


cdef inline int add_small(array.array column, uint32_t value) except -1:
    cdef Py_ssize_t count = len(column)
    array.resize_smart(column, count + 1)
    column.data.as_uints[count] = value
    return 0


cdef inline int add_large(array.array column, uint64_t value) except -1:
    cdef Py_ssize_t count = len(column)
    array.resize_smart(column, count + 1)
    column.data.as_ulonglongs[count] = value
    return 0


def read_messages(bytes data not None, begin, uint64_t salt, uint64_t number, columns):
    """See `quick_scan.ReadMessages`."""
    cdef const uint8_t *text = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef const uint8_t *at
    cdef int64_t size = PyBytes_GET_SIZE(data)
    cdef int64_t offset, body, end, subject_size, headers, payload, last, time
    cdef uint64_t sequence
    cdef uint32_t before, checksum
    cdef int kind, epoch
    cdef array.array sequences = columns.sequences, ids = columns.ids, places = columns.places
    cdef array.array times = columns.times, sizes = columns.sizes
    cdef Subjects subjects = Subjects(columns)
    offset, before, last, time, epoch = begin
    if offset < 0:
        raise ValueError("records begin in the data")
    while offset <= size - _HEAD - _CHECKSUM:
        at = text + offset
        subject_size = <int64_t>read_number(at + _SUBJECT, 2)
        headers = <int64_t>read_number(at + _HEADERS, 4)
        sequence = read_number(at + _SEQUENCE, 8)
        body = offset + _HEAD + subject_size + headers
        end = offset + <int64_t>read_number(at, 4) - _CHECKSUM
        if read_number(at + _BEFORE, 4) != before or not body <= end <= size - _CHECKSUM:
            break
        if sequence >> 63 or <int64_t>sequence <= last:
            break
        checksum = crc_of(at, end - offset, <uint32_t>(salt ^ <uint64_t>offset))
        if checksum != read_number(text + end, 4):
            break
        kind = at[_KIND] & ~FIRST_OF_EPOCH
        payload = end - body
        if kind == REMOVING_MESSAGE:
            content, removes = split_removals(data[body:end])
            payload = len(content)
            columns.removes.extend(removes)
        elif kind != MESSAGE:
            break
        subjects.find(at + _HEAD, subject_size)
        add_large(sequences, sequence)
        add_small(ids, subjects.number)
        add_large(places, number << 32 | <uint64_t>offset | (WITH_HEADERS if headers else 0))
        add_small(sizes, <uint32_t>(OVERHEAD + subject_size + payload + (HEADERS + headers if headers else 0)))
        time, epoch = <int64_t>read_number(at + _TIME, 8), at[_EPOCH]
        add_large(times, <uint64_t>time)
        offset, before, last = end + _CHECKSUM, checksum, <int64_t>sequence
    return Reached(offset, before, last, time, epoch)
