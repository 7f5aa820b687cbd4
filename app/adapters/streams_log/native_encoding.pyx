# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: auto_pickle=False
"""Records of messages in a row, compiled: see ``run_encoding``, which defines what is encoded."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ...domain.dataplane import incoming_run
from ...domain.jetstream.storage import chunk
from . import record, run_encoding

include "message_record.pxi"

cdef object EncodedRun = run_encoding.EncodedRun
cdef uint64_t WITH_HEADERS = chunk.WITH_HEADERS
cdef Py_ssize_t FIELDS = incoming_run.FIELDS
cdef Py_ssize_t OVERHEAD = run_encoding.OVERHEAD
cdef Py_ssize_t HEADERS = run_encoding.HEADERS
cdef uint8_t FIRST_OF_EPOCH = record.FIRST_OF_EPOCH



cdef struct Link:
    # What is the same in all records, or goes on from one to the next.
    uint8_t kind
    uint8_t epoch
    uint64_t sequence
    int64_t time
    uint32_t before
    uint64_t number
    uint32_t salt
    uint64_t offset
    uint64_t limit


cdef inline char *put_record(char *out, const char *data, const uint32_t *row, Link *link) noexcept nogil:
    """Write a record, and return where it ends."""
    cdef uint32_t length = _LEAST + row[1] + row[6]
    cdef uint16_t subject_size = <uint16_t>row[1]
    memcpy(out, &length, 4)
    out[4] = <char>link.kind
    out[5] = <char>link.epoch
    memcpy(out + 6, &subject_size, 2)
    memcpy(out + 8, &row[5], 4)
    memcpy(out + 12, &link.sequence, 8)
    memcpy(out + 20, &link.time, 8)
    memcpy(out + 28, &link.before, 4)
    memcpy(out + _HEAD, data + row[0], row[1])
    memcpy(out + _HEAD + row[1], data + row[4], row[6])
    link.before = crc_of(out, length - 4, link.salt ^ <uint32_t>link.offset)
    memcpy(out + length - 4, &link.before, 4)
    return out + length


cdef Py_ssize_t how_many_fit(const uint32_t *row, Py_ssize_t count, Link *link, Py_ssize_t *size) noexcept nogil:
    """How many records go up to the limit, at least one; `size` is what they take."""
    cdef uint64_t end = link.offset
    cdef uint64_t length
    cdef Py_ssize_t position
    for position in range(count):
        length = <uint64_t>_LEAST + row[position * FIELDS + 1] + row[position * FIELDS + 6]
        if position and end + length > link.limit:
            size[0] = <Py_ssize_t>(end - link.offset)
            return position
        end += length
    size[0] = <Py_ssize_t>(end - link.offset)
    return count


def encode_run(run, Py_ssize_t start, chain):
    cdef bytes data = <bytes?>run.data
    cdef bytes fields = <bytes?>run.fields
    cdef Py_ssize_t left = PyBytes_GET_SIZE(fields) // (4 * FIELDS) - start
    cdef const uint32_t *row = <const uint32_t *>PyBytes_AS_STRING(fields) + start * FIELDS
    cdef Link link
    cdef Py_ssize_t size, count
    if start < 0 or left < 1:
        raise ValueError("there is no message to encode")
    link.kind, link.epoch, link.sequence, link.time, link.before = chain[:5]
    link.number, link.salt, link.offset, link.limit = chain[5:]
    count = how_many_fit(row, left, &link, &size)
    if link.offset + size > 0xFFFFFFFF:
        raise ValueError("a place has an offset of 32 bits")
    return encode_rows(run, data, row, start, count, size, &link)


cdef object encode_rows(
    run, bytes data, const uint32_t *row, Py_ssize_t start, Py_ssize_t count, Py_ssize_t size, Link *link
):
    """Encode this number of messages, which take this number of bytes."""
    cdef bytes records = PyBytes_FromStringAndSize(NULL, size)
    cdef bytes sequences = PyBytes_FromStringAndSize(NULL, 8 * count)
    cdef bytes places = PyBytes_FromStringAndSize(NULL, 8 * count)
    cdef bytes times = PyBytes_FromStringAndSize(NULL, 8 * count)
    cdef bytes sizes = PyBytes_FromStringAndSize(NULL, 4 * count)
    cdef uint64_t *sequence = <uint64_t *>PyBytes_AS_STRING(sequences)
    cdef uint64_t *place = <uint64_t *>PyBytes_AS_STRING(places)
    cdef int64_t *time = <int64_t *>PyBytes_AS_STRING(times)
    cdef uint32_t *counted = <uint32_t *>PyBytes_AS_STRING(sizes)
    cdef const char *text = PyBytes_AS_STRING(data)
    cdef char *out = PyBytes_AS_STRING(records)
    cdef char *end
    cdef uint64_t first = link.sequence
    cdef Py_ssize_t position
    for position in range(count):
        end = put_record(out, text, row, link)
        sequence[position] = link.sequence
        place[position] = link.number << 32 | link.offset | (WITH_HEADERS if row[5] else 0)
        time[position] = link.time
        counted[position] = <uint32_t>(OVERHEAD + row[1] + row[6] + (HEADERS if row[5] else 0))
        link.offset += end - out
        link.kind &= <uint8_t>~FIRST_OF_EPOCH
        link.sequence += 1
        link.time += 1
        out = end
        row += FIELDS
    return EncodedRun(
        count,
        records,
        link.before,
        sequences,
        places,
        times,
        sizes,
        *links_of(<bytes?>run.ids, start, count, first, len(run.names)),
    )


def encode_message(
    uint8_t kind,
    uint8_t epoch,
    uint64_t sequence,
    int64_t time,
    bytes subject not None,
    bytes headers not None,
    bytes payload not None,
    uint64_t removed,
    uint32_t before,
    uint32_t seed,
    /,
):
    cdef uint32_t checksum
    cdef bytes text = encoded(
        kind, epoch, sequence, time, subject, headers, payload, removed, before, seed, &checksum
    )
    return text, checksum


def links(bytes ids not None, uint64_t first, Py_ssize_t subjects):
    return links_of(ids, 0, PyBytes_GET_SIZE(ids) // 4, first, subjects)


cdef bytes blank(Py_ssize_t size):
    cdef bytes made = PyBytes_FromStringAndSize(NULL, size)
    memset(PyBytes_AS_STRING(made), 0, size)
    return made


cdef tuple links_of(bytes ids, Py_ssize_t start, Py_ssize_t count, uint64_t first, Py_ssize_t subjects):
    """See `run_encoding.RunEncoder.links`."""
    cdef bytes following = blank(4 * count)
    cdef bytes messages = blank(8 * subjects)
    cdef bytes firsts = blank(8 * subjects)
    cdef bytes lasts = blank(8 * subjects)
    cdef const uint32_t *id = <const uint32_t *>PyBytes_AS_STRING(ids) + start
    cdef uint32_t *step = <uint32_t *>PyBytes_AS_STRING(following)
    cdef uint64_t *counted = <uint64_t *>PyBytes_AS_STRING(messages)
    cdef uint64_t *begin = <uint64_t *>PyBytes_AS_STRING(firsts)
    cdef uint64_t *last = <uint64_t *>PyBytes_AS_STRING(lasts)
    cdef Py_ssize_t position
    if PyBytes_GET_SIZE(ids) < 4 * (start + count):
        raise ValueError("a message has no subject")
    for position in range(count):
        if <Py_ssize_t>id[position] >= subjects:
            raise ValueError("a subject has no name")
        if counted[id[position]]:
            step[last[id[position]] - first] = <uint32_t>(first + position - last[id[position]])
        else:
            begin[id[position]] = first + position
        counted[id[position]] += 1
        last[id[position]] = first + position
    return following, messages, firsts, lasts
