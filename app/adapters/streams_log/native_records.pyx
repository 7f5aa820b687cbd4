# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Records of messages in a row, checked in place: see `record_run`.

Checksums are those of zlib's crc32, eight bytes at a time by tables.
"""

from cpython cimport array
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

import array
from . import record, record_run

cdef enum:
    _POLYNOMIAL = 0xEDB88320
    # What a record has before its subject; see `record.HEAD`.
    _KIND = 4
    _SUBJECT = 6
    _HEADERS = 8
    _SEQUENCE = 12
    _HEAD = 32
    _CHECKSUM = 4

cdef int MESSAGE = record.MESSAGE
cdef int FIRST_OF_EPOCH = record.FIRST_OF_EPOCH
cdef object Bodies = record_run.Bodies
cdef array.array _COLUMN = array.array("q")
cdef uint32_t tables[8][256]

if record.HEAD.size != _HEAD:
    raise ImportError("records have another form")


cdef void make_tables() noexcept:
    cdef uint32_t value, n, i
    for n in range(256):
        value = n
        for i in range(8):
            value = (value >> 1) ^ (<uint32_t>_POLYNOMIAL if value & 1 else 0)
        tables[0][n] = value
    for n in range(256):
        value = tables[0][n]
        for i in range(1, 8):
            value = tables[0][value & 0xFF] ^ (value >> 8)
            tables[i][n] = value


make_tables()


cdef uint32_t checksum_of(const uint8_t *data, Py_ssize_t size, uint32_t seed) noexcept nogil:
    """As zlib.crc32."""
    cdef uint32_t value = ~seed
    cdef uint64_t word
    while size >= 8:
        word = read_number(data, 8) ^ value
        value = (
            tables[7][word & 0xFF]
            ^ tables[6][(word >> 8) & 0xFF]
            ^ tables[5][(word >> 16) & 0xFF]
            ^ tables[4][(word >> 24) & 0xFF]
            ^ tables[3][(word >> 32) & 0xFF]
            ^ tables[2][(word >> 40) & 0xFF]
            ^ tables[1][(word >> 48) & 0xFF]
            ^ tables[0][word >> 56]
        )
        data += 8
        size -= 8
    while size > 0:
        value = tables[0][(value ^ data[0]) & 0xFF] ^ (value >> 8)
        data += 1
        size -= 1
    return ~value


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
    return checksum_of(at, length - _CHECKSUM, seed) == read_number(at + length - _CHECKSUM, 4)


def checksum(bytes data not None, uint32_t seed):
    """As zlib.crc32; for tests."""
    return checksum_of(<const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), seed)


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
