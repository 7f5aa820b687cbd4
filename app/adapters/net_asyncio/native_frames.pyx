# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: auto_pickle=False
"""Unmasking, compiled: see ``websocket_masks``, which defines what each function does."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

ctypedef const uint8_t byte

cdef enum:
    _MASKED = 0x80
    _LENGTH = 0x7F
    _TWO = 126
    _EIGHT = 127
    _SHORTEST = 6  # a header without data


cdef inline void combine(uint8_t *room, byte *data, Py_ssize_t count, byte *mask) noexcept nogil:
    """Write the data to the room, unmasked, eight bytes at a time."""
    cdef uint64_t key, word
    cdef Py_ssize_t at = 0
    memcpy(&key, mask, 4)
    memcpy(<uint8_t *>&key + 4, mask, 4)
    while at + 8 <= count:
        memcpy(&word, data + at, 8)
        word ^= key
        memcpy(room + at, &word, 8)
        at += 8
    while at < count:
        room[at] = data[at] ^ mask[at & 3]
        at += 1


def unmask(byte[::1] data, byte[::1] mask):
    cdef Py_ssize_t count = data.shape[0]
    cdef bytes made = PyBytes_FromStringAndSize(NULL, count)
    if mask.shape[0] != 4:
        raise ValueError("a mask has four bytes")
    if count:
        combine(<uint8_t *>PyBytes_AS_STRING(made), &data[0], count, &mask[0])
    return made


def unmask_into(uint8_t[::1] room, byte[::1] data, byte[::1] mask):
    cdef Py_ssize_t count = data.shape[0]
    if mask.shape[0] != 4:
        raise ValueError("a mask has four bytes")
    if count > room.shape[0]:
        raise ValueError("more data than room")
    if count:
        combine(&room[0], &data[0], count, &mask[0])


def copy_messages(byte[::1] data, Py_ssize_t at, uint8_t[::1] room, Py_ssize_t filled, Py_ssize_t limit):
    cdef Py_ssize_t size = data.shape[0]
    cdef Py_ssize_t left = room.shape[0] - filled
    cdef Py_ssize_t have, head, length, place
    cdef byte *frame
    if at < 0 or filled < 0 or left < 0:
        raise ValueError("a place outside of the data or of the room")
    while size - at >= _SHORTEST:
        frame = &data[at]
        have = size - at
        if (frame[0] != 0x82 and frame[0] != 0x81) or not frame[1] & _MASKED:
            break
        length = frame[1] & _LENGTH
        head = _SHORTEST
        if length == _TWO:
            head = _SHORTEST + 2
            if have < head:
                break
            length = frame[2] << 8 | frame[3]
        elif length == _EIGHT:
            head = _SHORTEST + 8
            if have < head:
                break
            length = 0
            for place in range(2, 10):
                if length > limit:
                    break
                length = length << 8 | frame[place]
        if length > limit or length > have - head or length > left:
            break
        if length:
            combine(&room[filled], frame + head, length, frame + head - 4)
        at += head + length
        filled += length
        left -= length
    return at, filled
