"""The grammar of subjects as bytes, in the compiled twin: what it needs of ``app.domain.subjects.subject``."""

# Uses nothing of other parts.

from libc.stdint cimport int64_t
from libc.string cimport memcmp


cdef struct Shape:
    int64_t tokens
    bint plain  # no token is empty or a wildcard


cdef Shape shape_of(const char *subject, Py_ssize_t count) noexcept nogil:
    cdef Shape shape
    cdef Py_ssize_t start = 0, i = 0
    shape.tokens = 1
    shape.plain = True
    while True:
        while i < count and subject[i] != c'.':
            i += 1
        if i == start or (i - start == 1 and (subject[start] == c'*' or subject[start] == c'>')):
            shape.plain = False
        if i == count:
            return shape
        shape.tokens += 1
        i += 1
        start = i


cdef inline Py_ssize_t next_dot(
    const char *subject, Py_ssize_t count, Py_ssize_t length, int64_t depth
) noexcept nogil:
    """The length of the prefix with one token more than `length` bytes have, which is `depth`."""
    if depth:
        length += 1
    while length < count and subject[length] != c'.':
        length += 1
    return length


cdef bint has_empty_token(const char *subject, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i
    if count == 0 or subject[0] == c'.' or subject[count - 1] == c'.':
        return True
    for i in range(1, count):
        if subject[i] == c'.' and subject[i - 1] == c'.':
            return True
    return False


cdef bint has_wildcard(const char *pattern, Py_ssize_t count) noexcept nogil:
    """Whether some whole token is a wildcard."""
    cdef Py_ssize_t i
    for i in range(count):
        if pattern[i] == c'*' or pattern[i] == c'>':
            if (i == 0 or pattern[i - 1] == c'.') and (i + 1 == count or pattern[i + 1] == c'.'):
                return True
    return False


cdef bint may_match(
    const char *pattern,
    Py_ssize_t plen,
    const char *prefix,
    Py_ssize_t length,
    int64_t depth,
    int64_t further,
) noexcept nogil:
    """See `app.domain.subjects.subject.may_match`; the prefix has `depth` tokens, none of them empty."""
    cdef Py_ssize_t p = 0, s = 0, pend, send
    cdef int64_t left = depth + further
    while True:
        pend = p
        while pend < plen and pattern[pend] != c'.':
            pend += 1
        if left == 0:
            return False
        if pend - p == 1 and pattern[p] == c'>' and pend == plen:
            return True
        if left > further:
            send = s
            while send < length and prefix[send] != c'.':
                send += 1
            if not (pend - p == 1 and pattern[p] == c'*'):
                if pend - p != send - s or memcmp(pattern + p, prefix + s, pend - p) != 0:
                    return False
            s = send + 1
        left -= 1
        if pend == plen:
            return left == 0
        p = pend + 1
