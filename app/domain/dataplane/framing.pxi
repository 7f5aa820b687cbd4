"""How a message is written, in the compiled twin: see ``framing``; the lengths are of these pieces."""

# Uses nothing of other parts.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

cdef extern from *:
    bint unlikely(bint) noexcept nogil  # a macro of Cython: what it guards is kept out of the inlined code

cdef enum:
    _VERB_SIZE = 4  # of "MSG "


cdef inline void copy_few(char *to, const char *source, Py_ssize_t count) noexcept nogil:
    """memcpy of less than eight bytes, without a call; it touches no others."""
    if count >= 4:
        memcpy(to, source, 4)
        memcpy(to + count - 4, source + count - 4, 4)
        return
    while count:
        count -= 1
        to[count] = source[count]


cdef inline void copy(char *to, const char *source, Py_ssize_t count) noexcept nogil:
    """memcpy, without a call for the few bytes that most pieces have; it touches no others."""
    if count > 64:
        memcpy(to, source, count)
    elif count >= 32:
        memcpy(to, source, 32)
        memcpy(to + count - 32, source + count - 32, 32)
    elif count >= 16:
        memcpy(to, source, 16)
        memcpy(to + count - 16, source + count - 16, 16)
    elif count >= 8:
        memcpy(to, source, 8)
        memcpy(to + count - 8, source + count - 8, 8)
    else:
        copy_few(to, source, count)


cdef inline uint64_t word_at(const char *place) noexcept nogil:
    """The eight bytes there, in the order of this machine."""
    cdef uint64_t word
    memcpy(&word, place, 8)
    return word


cdef inline uint32_t half_word_at(const char *place) noexcept nogil:
    """The same of four bytes."""
    cdef uint32_t word
    memcpy(&word, place, 4)
    return word


cdef inline bint is_same(const char *one, const char *other, Py_ssize_t count) noexcept nogil:
    """Whether these bytes are equal, without a call for the few that most pieces have; the end differs first."""
    cdef Py_ssize_t at = 0
    if count > 64:
        return memcmp(one, other, count) == 0
    if count >= 8:
        if word_at(one + count - 8) != word_at(other + count - 8):
            return False
        while at + 8 < count:
            if word_at(one + at) != word_at(other + at):
                return False
            at += 8
        return True
    if count >= 4:
        at = count - 4
        return half_word_at(one + at) == half_word_at(other + at) and half_word_at(one) == half_word_at(other)
    while count:
        count -= 1
        if one[count] != other[count]:
            return False
    return True


cdef inline Py_ssize_t start_size(Py_ssize_t subject_size) noexcept nogil:
    """The length of what comes before the blank in front of the sid."""
    return _VERB_SIZE + subject_size


cdef inline bytes middle_of(bytes sid):
    """What a receiver has of its own, blanks included."""
    return b" " + sid + b" "


cdef inline char *write_head(
    char *out, const char *subject, Py_ssize_t subject_size, const char *middle, Py_ssize_t size
) noexcept nogil:
    """Write start and middle, and return where they end."""
    memcpy(out, b"MSG ", _VERB_SIZE)
    copy(out + _VERB_SIZE, subject, subject_size)
    out += _VERB_SIZE + subject_size
    copy(out, middle, size)
    return out + size


cdef bytes head_of(const char *subject, Py_ssize_t subject_size, bytes middle):
    """The same as an object."""
    cdef bytes head = PyBytes_FromStringAndSize(NULL, start_size(subject_size) + PyBytes_GET_SIZE(middle))
    cdef Py_ssize_t size = PyBytes_GET_SIZE(middle)
    write_head(PyBytes_AS_STRING(head), subject, subject_size, PyBytes_AS_STRING(middle), size)
    return head
