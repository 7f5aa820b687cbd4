"""The record of one message, and its checksum, compiled: for those who encode runs, and those who store."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

import sys

from . import record as records

if sys.byteorder != "little":
    raise ImportError("records are compiled for machines that have the low byte first")

include "crc32.pxi"

prepare_crc32()

cdef enum:
    _HEAD = 32
    _LEAST = 36  # with the checksum at the end
    _REMOVED = 12  # the sequence of a message that is removed, and how many there are

if records.HEAD.size != _HEAD or records.LEAST != _LEAST:
    raise ImportError("the compiled records are of another version")


cdef bytes encoded(
    uint8_t kind,
    uint8_t epoch,
    uint64_t sequence,
    int64_t time,
    bytes subject,
    bytes headers,
    bytes payload,
    uint64_t removed,
    uint32_t before,
    uint32_t seed,
    uint32_t *checksum,
):
    """The record of one message; see `run_encoding.RunEncoder.encode_message`."""
    cdef Py_ssize_t subject_size = PyBytes_GET_SIZE(subject)
    cdef Py_ssize_t header_size = PyBytes_GET_SIZE(headers)
    cdef Py_ssize_t payload_size = PyBytes_GET_SIZE(payload)
    cdef Py_ssize_t size = _LEAST + subject_size + header_size + payload_size + (_REMOVED if removed else 0)
    if subject_size > 0xFFFF or size > 0xFFFFFFFF:
        raise ValueError("a record has a length of 32 bits, and its subject one of 16")
    cdef uint32_t length = <uint32_t>size
    cdef uint32_t block = <uint32_t>header_size
    cdef uint16_t name = <uint16_t>subject_size
    cdef uint32_t one = 1
    cdef bytes record = PyBytes_FromStringAndSize(NULL, size)
    cdef char *out = PyBytes_AS_STRING(record)
    memcpy(out, &length, 4)
    out[4] = <char>kind
    out[5] = <char>epoch
    memcpy(out + 6, &name, 2)
    memcpy(out + 8, &block, 4)
    memcpy(out + 12, &sequence, 8)
    memcpy(out + 20, &time, 8)
    memcpy(out + 28, &before, 4)
    out += _HEAD
    memcpy(out, PyBytes_AS_STRING(subject), subject_size)
    out += subject_size
    memcpy(out, PyBytes_AS_STRING(headers), header_size)
    out += header_size
    memcpy(out, PyBytes_AS_STRING(payload), payload_size)
    out += payload_size
    if removed:
        memcpy(out, &removed, 8)
        memcpy(out + 8, &one, 4)
        out += _REMOVED
    checksum[0] = crc_of(PyBytes_AS_STRING(record), size - 4, seed)
    memcpy(out, checksum, 4)
    return record
