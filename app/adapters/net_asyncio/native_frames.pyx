# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: auto_pickle=False
"""Unmasking, compiled: see ``websocket_masks``, which defines what each function does."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #include <stdint.h>

    #if defined(__x86_64__) && defined(__GNUC__)

    typedef uint64_t four_words __attribute__((vector_size(32), aligned(1), may_alias));

    __attribute__((target("avx2"))) static Py_ssize_t
    combine_widely(uint8_t *room, const uint8_t *data, Py_ssize_t count, uint64_t key)
    {
        const four_words keys = {key, key, key, key};
        Py_ssize_t at = 0;
        for (; at + 128 <= count; at += 128) {
            const four_words *from = (const four_words *)(data + at);
            four_words *to = (four_words *)(room + at);
            four_words first = from[0] ^ keys, second = from[1] ^ keys;
            four_words third = from[2] ^ keys, fourth = from[3] ^ keys;
            to[0] = first;
            to[1] = second;
            to[2] = third;
            to[3] = fourth;
        }
        return at;
    }

    static int may_combine_widely(void)
    {
        __builtin_cpu_init();
        return __builtin_cpu_supports("avx2") != 0;
    }

    #else

    static Py_ssize_t
    combine_widely(uint8_t *room, const uint8_t *data, Py_ssize_t count, uint64_t key)
    {
        (void)room, (void)data, (void)count, (void)key;
        return 0;
    }

    static int may_combine_widely(void)
    {
        return 0;
    }

    #endif
    """
    Py_ssize_t combine_widely(uint8_t *room, const uint8_t *data, Py_ssize_t count, uint64_t key) noexcept nogil
    bint may_combine_widely() noexcept nogil

ctypedef const uint8_t byte

cdef bint WIDELY = may_combine_widely()  # whether this processor has registers of 32 bytes

cdef enum:
    _MASKED = 0x80
    _LENGTH = 0x7F
    _TWO = 126
    _EIGHT = 127
    _SHORTEST = 6  # a header without data


cdef inline void combine(uint8_t *room, byte *data, Py_ssize_t count, byte *mask) noexcept nogil:
    """Write the data to the room, unmasked; the data may lie in the room, but not before its start.

    Eight words, or sixteen, are read before the first of them is written, so that the compiler may take
    several at once without knowing where the room is. The mask is copied first: it may be written over.
    """
    cdef uint64_t key
    cdef uint64_t[8] words
    cdef uint8_t[4] kept
    cdef Py_ssize_t at = 0
    memcpy(kept, mask, 4)
    memcpy(&key, kept, 4)
    memcpy(<uint8_t *>&key + 4, kept, 4)
    if WIDELY:
        at = combine_widely(room, data, count, key)
    while at + 64 <= count:
        memcpy(words, data + at, 64)
        words[0] ^= key
        words[1] ^= key
        words[2] ^= key
        words[3] ^= key
        words[4] ^= key
        words[5] ^= key
        words[6] ^= key
        words[7] ^= key
        memcpy(room + at, words, 64)
        at += 64
    while at + 8 <= count:
        memcpy(words, data + at, 8)
        words[0] ^= key
        memcpy(room + at, words, 8)
        at += 8
    while at < count:
        room[at] = data[at] ^ kept[at & 3]
        at += 1


def unmask(byte[::1] data, byte[::1] mask):
    cdef Py_ssize_t count = data.shape[0]
    cdef bytes made = PyBytes_FromStringAndSize(NULL, count)
    if mask.shape[0] != 4:
        raise ValueError("a mask has four bytes")
    if count:
        combine(<uint8_t *>PyBytes_AS_STRING(made), &data[0], count, &mask[0])
    return made


cdef Py_ssize_t begun(byte *frame, Py_ssize_t have, Py_ssize_t limit, Py_ssize_t *length) noexcept nogil:
    """The size of the header if it is that of a whole message that may be read; else 0."""
    cdef Py_ssize_t head = _SHORTEST
    cdef Py_ssize_t place
    if have < _SHORTEST or (frame[0] != 0x82 and frame[0] != 0x81) or not frame[1] & _MASKED:
        return 0
    length[0] = frame[1] & _LENGTH
    if length[0] == _TWO:
        head = _SHORTEST + 2
        length[0] = frame[2] << 8 | frame[3]
    elif length[0] == _EIGHT:
        head = _SHORTEST + 8
        if have < head:
            return 0
        length[0] = 0
        for place in range(2, 10):
            if length[0] > limit:
                return 0
            length[0] = length[0] << 8 | frame[place]
    return head if have >= head and length[0] <= limit else 0


def copy_frames(
    byte[::1] data,
    Py_ssize_t at,
    uint8_t[::1] room,
    Py_ssize_t filled,
    Py_ssize_t left,
    bytes mask not None,
    Py_ssize_t limit,
):
    cdef Py_ssize_t size = data.shape[0]
    cdef Py_ssize_t most = room.shape[0]
    cdef Py_ssize_t head, take, place
    cdef uint8_t[4] key
    cdef uint8_t[4] turned
    if at < 0 or at > size or filled < 0 or filled > most or left < 0:
        raise ValueError("a place outside of the data or of the room")
    if PyBytes_GET_SIZE(mask) != 4:
        raise ValueError("a mask has four bytes")
    memcpy(key, PyBytes_AS_STRING(mask), 4)
    while True:
        take = min(left, size - at, most - filled)
        if take:
            combine(&room[filled], &data[at], take, key)
            at += take
            filled += take
            left -= take
            if left:
                for place in range(4):
                    turned[place] = key[(place + take) & 3]
                return at, filled, left, PyBytes_FromStringAndSize(<char *>turned, 4)
        if left or filled == most or at == size:
            break
        head = begun(&data[at], size - at, limit, &left)
        if not head:
            left = 0
            break
        at += head
        memcpy(key, &data[at - 4], 4)
    return at, filled, left, PyBytes_FromStringAndSize(<char *>key, 4)
