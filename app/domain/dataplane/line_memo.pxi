"""Lines that came before, what they were understood to be, and their plans, in the compiled twin.

A line that comes again, from any peer, is neither taken apart nor looked up again. Its bytes alone say
in which place it is kept. Of two lines with the same place one is kept until the other has come twice: of
lines that do not come again soon, as where subjects are many, only a mark of two bytes is kept, and the
places stay as they are. A noted plan is borrowed from the plan cache, and good in the generation in which
it was noted: the cache drops no plan that it has found before its generation has changed.
"""

# Uses of framing: is_same, word_at
# Uses of message: Message, is_headed

from cpython.ref cimport PyObject
from libc.stdint cimport int64_t, uint16_t, uint64_t
from libc.stdlib cimport calloc
from libc.string cimport memcpy

cdef enum:
    _MEMO_BYTES = 256 # longer lines are not kept
    _MEMOS = 1024


cdef struct Memo:
    # A line, and what it was understood to be. Nothing yet if `message.line_size` is 0.
    Message message
    int kind           # of the peer: from another kind the line may be no message, or one that is too large
    PyObject *plan     # borrowed from the plan cache, for this audience; NULL if it was not in there
    int64_t audience
    uint64_t generation
    char line[_MEMO_BYTES]


cdef struct Memos:
    # Places for all lines, and one more, always empty, in place of one for a line that is not kept.
    # Marks are other bits of what says the place: of the line that is kept there, and of that which came last.
    uint16_t marks[_MEMOS][2]
    Memo places[_MEMOS + 1]


cdef inline Memos *memos_made() except NULL:
    cdef Memos *memos = <Memos *>calloc(1, sizeof(Memos))
    if memos is NULL:
        raise MemoryError
    return memos


cdef inline void forget_lines(Memos *memos) noexcept:
    cdef Py_ssize_t i
    for i in range(_MEMOS):
        memos.places[i].message.line_size = 0


cdef inline Memo *memo_for(Memos *memos, const char *line, Py_ssize_t size) noexcept nogil:
    """Where this line is, or is to be kept; the empty place while it has not come twice."""
    cdef uint64_t code = <uint64_t>size
    cdef Py_ssize_t at = 0
    cdef uint16_t mark
    cdef uint16_t *marks
    if size > _MEMO_BYTES or size < 8:
        return &memos.places[_MEMOS]
    while at + 8 < size:
        code = (code ^ word_at(line + at)) * <uint64_t>0x9E3779B97F4A7C15
        code ^= code >> 32
        at += 8
    code = (code ^ word_at(line + size - 8)) * <uint64_t>0x9E3779B97F4A7C15
    mark = <uint16_t>(code >> 38)
    marks = memos.marks[code >> 54]
    if marks[0] != mark:
        if marks[1] != mark:
            marks[1] = mark
            return &memos.places[_MEMOS]
        marks[0] = mark
    return &memos.places[code >> 54]


cdef inline bint is_known(Memo *memo, int kind, bint headers, const char *line, Py_ssize_t count) noexcept nogil:
    """Whether the line that begins there is the one that is kept; HPUB and HMSG only with `headers`."""
    cdef Py_ssize_t size = memo.message.line_size
    return (
        size != 0
        and count >= size
        and is_same(line, memo.line, size)
        and memo.kind == kind
        and (headers or not is_headed(line))
    )


cdef inline void memorize(Memos *memos, Memo *memo, int kind, Message *message) noexcept nogil:
    """Note a line in its place, unless it is not to be kept."""
    if memo is not &memos.places[_MEMOS]:
        memcpy(memo.line, message.line, message.line_size)
        memo.message = message[0]
        memo.kind = kind
        memo.plan = NULL


cdef inline void recall(Memo *memo, const char *line, Message *message) noexcept nogil:
    """Let this be the message whose line is known."""
    message[0] = memo.message
    message.line = line


cdef inline void note_plan(Memo *memo, plan, int64_t audience, uint64_t generation) noexcept:
    """Remember a plan that the cache holds for the line."""
    if memo.message.line_size:
        memo.plan = <PyObject *>plan
        memo.audience = audience
        memo.generation = generation
