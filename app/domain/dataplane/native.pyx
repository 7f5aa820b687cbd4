# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The data plane, compiled. ``reference`` defines what it does; ``seam`` says what each part promises.

It scans where the transport wrote, makes no Python object per message, and calls
the control plane only where the reference does. Sizes are capped before they are
read as numbers, and no byte beyond those received is looked at.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport PyObject, Py_DECREF, Py_XDECREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memchr, memcmp, memcpy, memset

from app.domain.changes import REMEMBERED
from app.domain.commands import LINE_SLACK
from app.domain.dataplane import seam
from app.domain.limits import MAX_SIZE_DIGITS, route_line, route_payload

cdef extern from "Python.h":
    int _PyBytes_Resize(PyObject **bytes, Py_ssize_t newsize) except -1
    PyObject *PyBytes_FromStringAndSize_raw "PyBytes_FromStringAndSize" (char *v, Py_ssize_t len) except NULL
    char *PyBytes_AS_STRING_raw "PyBytes_AS_STRING" (PyObject *string)

cdef enum:
    _MEMO_BYTES = 256
    _FIRST_CHUNK = 512
    _LARGEST_HINT = 512 * 1024
    _FIRST_TABLE = 1024
    _DEEPEST = 32  # as seam.DEEPEST_KIND, which must be known to the compiler
    _MEMBER = 0x7FFFFFFF  # in place of `Entry.further`: more tokens than any subject has

cdef Py_ssize_t RECEIVE_BYTES = seam.RECEIVE_BYTES
cdef Py_ssize_t OWN_BYTES = seam.OWN_BYTES
cdef int64_t TURN_WORK = seam.TURN_WORK
cdef int64_t DELIVERY_WORK = seam.DELIVERY_WORK
cdef int64_t LINE_WORK = seam.LINE_WORK
cdef int64_t FLUSH_BYTES = seam.FLUSH_BYTES
cdef Py_ssize_t REFERENCED_BYTES = seam.REFERENCED_BYTES
cdef int64_t PLAN_BUDGET = seam.PLAN_BUDGET
cdef int64_t PLAN_COST = seam.PLAN_COST
cdef int64_t RING = REMEMBERED
cdef Py_ssize_t SLACK = LINE_SLACK
cdef Py_ssize_t MOST_DIGITS = MAX_SIZE_DIGITS

cdef object DONE = seam.Progress.DONE
cdef object STOPPED = seam.Progress.STOPPED
cdef object HELD = seam.Progress.HELD
cdef object TURN = seam.Progress.TURN

cdef int FAULT_ARGUMENTS = seam.Fault.ARGUMENTS
cdef int FAULT_SIZE = seam.Fault.SIZE
cdef int FAULT_PAYLOAD = seam.Fault.PAYLOAD
cdef int FAULT_TERMINATOR = seam.Fault.TERMINATOR
cdef int FAULT_LINE = seam.Fault.LINE

cdef bytes _OK = b"+OK\r\n"
cdef bytes _PUB = b"PUB"
cdef bytes _MSG = b"MSG"


cdef struct Entry:
    # What the plan cache knows of a kind of subject: those that begin with `prefix`
    # and have so many `further` tokens. With none further it is one subject, and with
    # `_MEMBER` it is no subject at all, but the sid by which a route names a queue member.
    uint64_t hash
    int64_t stamp
    # What it refers to is kept alive by `DataPlane.retained`, where the garbage collector sees it.
    PyObject *plan     # for `audience`
    PyObject *others   # plans of further audiences: a dict, or NULL
    Py_ssize_t plan_place    # in `retained`
    Py_ssize_t others_place
    int audience
    uint32_t depth     # tokens of the prefix
    uint32_t further
    uint32_t length    # of the prefix
    char *prefix       # stands right behind the struct


cdef struct Publish:
    # The line of a message, understood: PUB, or MSG of a route. Offsets count from `line`.
    const char *line
    Py_ssize_t line_size  # LF included
    Py_ssize_t argument
    Py_ssize_t subject
    Py_ssize_t subject_size
    Py_ssize_t reply
    Py_ssize_t reply_size # 0 for none
    Py_ssize_t digits
    Py_ssize_t digits_size
    int64_t size
    Py_ssize_t tail       # of reply or size, if the bytes from there on serve MSG as they are; else 0
    Py_ssize_t member     # of the sid of the only one to get it
    Py_ssize_t member_size # 0 if the subject says who gets it


cdef struct Memo:
    # The line of a message, and what it was understood to be. Nothing yet if `publish.line_size` is 0.
    char line[_MEMO_BYTES]
    Publish publish


cdef struct Message:
    # What all receivers get, but for the sid: subject, prefix and tail.
    const char *subject
    Py_ssize_t subject_size
    const char *prefix    # stands for reply and size when the tail is only the payload
    Py_ssize_t prefix_size
    const char *tail
    Py_ssize_t tail_size
    int64_t size
    PyObject *shared      # the tail as an object, once a receiver needed it


# --- what waits to be sent ---------------------------------------------------


@cython.final
cdef class Outbox:
    """See `seam.Outbox`. ``chunk`` is a bytes object in the making, filled up to ``length``."""

    cdef readonly object owner
    cdef public int64_t out_msgs
    cdef public int64_t out_bytes
    cdef public double last_delivery
    cdef public int64_t alarm
    cdef public bint closed
    cdef public bint trace
    cdef DataPlane plane
    cdef object wire
    cdef list sealed
    cdef PyObject *chunk
    cdef Py_ssize_t length
    cdef Py_ssize_t capacity
    cdef Py_ssize_t hint
    cdef int64_t size
    cdef int64_t backlog
    cdef int64_t handed
    cdef bint dirty

    def __cinit__(self, DataPlane plane, wire, owner):
        self.plane = plane
        self.wire = wire
        self.owner = owner
        self.hint = _FIRST_CHUNK

    def __dealloc__(self):
        Py_XDECREF(self.chunk)

    cdef int make_room(self, Py_ssize_t count) except -1:
        """Let the chunk have room for `count` more bytes."""
        cdef Py_ssize_t wanted
        if self.chunk is NULL:
            wanted = max(self.hint, count)
            self.chunk = PyBytes_FromStringAndSize_raw(NULL, wanted)
        else:
            wanted = max(2 * self.capacity, self.length + count)
            _PyBytes_Resize(&self.chunk, wanted)
        self.capacity = wanted
        return 0

    cdef inline char *tip(self) noexcept:
        return PyBytes_AS_STRING_raw(self.chunk) + self.length

    cdef inline int touch(self) except -1:
        """Put it on the list of those to flush, and ask the owner if it is too full."""
        if not self.dirty:
            self.dirty = True
            self.plane.touched.append(self)
        if self.backlog + self.size > self.alarm and self.owner.pressed():
            self.plane.held = True
        return 0

    cdef int append(self, const char *data, Py_ssize_t count) except -1:
        if count == 0:
            return 0
        if self.capacity - self.length < count:
            self.make_room(count)
        memcpy(self.tip(), data, count)
        self.length += count
        self.size += count
        return 0

    cdef bytes seal(self):
        """The chunk as a finished object; the next one is begun later."""
        cdef PyObject *chunk = self.chunk
        if self.length == 0:
            return b""
        self.chunk = NULL
        if self.length < self.capacity:
            _PyBytes_Resize(&chunk, self.length)
        self.length = 0
        self.capacity = 0
        result = <bytes>chunk
        Py_DECREF(result)
        return result

    cdef int refer(self, bytes data) except -1:
        """Queue an object as it is, uncopied."""
        if self.sealed is None:
            self.sealed = []
        if self.length:
            self.sealed.append(self.seal())
        self.sealed.append(data)
        self.size += PyBytes_GET_SIZE(data)
        return 0

    def send(self, bytes data not None):
        if not self.closed:
            self.append(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
            self.touch()

    def flush(self):
        cdef int64_t size = self.size
        self.dirty = False
        if size:
            self.hand_over()
        self.backlog = self.wire.pending()
        return size

    cdef int hand_over(self) except -1:
        cdef list sealed = self.sealed
        self.handed += self.size
        self.hint = min(max(self.length + (self.length >> 3), _FIRST_CHUNK), _LARGEST_HINT)
        self.size = 0
        if sealed is None:
            self.wire.write(self.seal())
            return 0
        self.sealed = None
        if self.length:
            sealed.append(self.seal())
        self.wire.writelines(sealed)
        return 0

    def pending(self):
        self.backlog = self.wire.pending()
        return self.backlog + self.size

    def passed(self):
        return self.handed - self.wire.pending()


@cython.final
cdef class Target:
    """See `seam.Target`. ``middle`` is what stands between subject and rest in MSG."""

    cdef Outbox outbox
    cdef bytes middle
    cdef object subscription
    cdef public int64_t delivered
    cdef public int64_t limit

    def __cinit__(self, Outbox outbox not None, bytes sid not None, subscription):
        self.outbox = outbox
        self.middle = b" " + sid + b" "
        self.subscription = subscription

    def retire(self):
        # Plans that are never used again may know the target for long, so it lets go of all else.
        self.outbox = None
        self.subscription = None


@cython.final
cdef class Plan:
    """See `seam.Plan`. The tuples hold targets, and tuples of targets."""

    cdef tuple plain
    cdef tuple groups
    cdef bytes refusal
    cdef bint refused
    cdef bint runs  # whether messages in a row may be published at once

    def __cinit__(self, plain, groups, bytes refusal not None):
        cdef Target target
        self.plain = tuple(plain)
        self.groups = tuple([tuple(group) for group in groups])
        self.refusal = refusal
        self.refused = len(refusal) > 0
        for member in (self.plain, *self.groups):
            for target in member:  # the delivery trusts their type
                if target is None:
                    raise TypeError("a plan is made of targets")
        outboxes = set()
        for target in self.plain:
            outboxes.add(id(target.outbox))
        # Subscriptions of one connection get their messages in turns, so they are no run.
        self.runs = len(outboxes) == len(self.plain) and not self.groups and not self.refused


@cython.final
cdef class Inlet:
    """See `seam.Inlet`. The rest is kept in ``rest`` while it is small, else in ``own``."""

    cdef object control
    cdef Outbox outbox
    cdef bint routed  # whether a peer server is at the other end
    cdef int64_t max_payload
    cdef Py_ssize_t max_line
    cdef public int64_t in_msgs
    cdef public int64_t in_bytes
    cdef public double last_publish
    cdef public bint verbose
    cdef public bint publishing
    cdef public int audience
    cdef public bint closed
    cdef public bint trace
    cdef bytes rest
    cdef bytearray own
    cdef Py_ssize_t filled
    cdef int64_t need
    cdef bint refused  # whether the incomplete message has been, already
    # What the plan of the message before is for, a subject or a member's sid, and the plan itself,
    # good in this generation, and for this audience if it is that of a subject.
    cdef bint for_member
    cdef char *name
    cdef Py_ssize_t name_size
    cdef Py_ssize_t name_room
    cdef Plan plan
    cdef uint64_t generation
    cdef int planned_for

    def __cinit__(self, control, Outbox outbox not None, bint routed, max_payload, max_line):
        self.control = control
        self.outbox = outbox
        self.routed = routed
        self.max_payload = max_payload
        self.max_line = max_line

    def __dealloc__(self):
        free(self.name)

    cdef int remember(
        self, Plan plan, uint64_t generation, const char *name, Py_ssize_t count, bint for_member
    ) except -1:
        """Note a plan, and the subject or sid that it is for."""
        if count > self.name_room:
            self.plan = None
            free(self.name)
            self.name_room = 0
            self.name = <char *>malloc(count)
            if self.name is NULL:
                raise MemoryError
            self.name_room = count
        memcpy(self.name, name, count)
        self.name_size = count
        self.for_member = for_member
        self.plan = plan
        self.generation = generation
        self.planned_for = self.audience
        return 0

    def has_rest(self):
        return self.filled > 0 or self.rest is not None


# --- the plan cache: a hash table keyed by subject, or by sid -------------------

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
    elif count >= 4:
        memcpy(to, source, 4)
        memcpy(to + count - 4, source + count - 4, 4)
    else:
        while count:
            count -= 1
            to[count] = source[count]


cdef inline uint64_t mix(uint64_t a, uint64_t b) noexcept nogil:
    a = (a ^ b) * <uint64_t>0x9E3779B97F4A7C15
    return a ^ (a >> 32)


cdef inline uint64_t hash_of(const char *data, Py_ssize_t count, uint64_t seed) noexcept nogil:
    """A keyed hash, eight bytes at a time; the key keeps peers from choosing collisions."""
    cdef uint64_t result = seed ^ <uint64_t>count
    cdef uint64_t word
    while count >= 8:
        memcpy(&word, data, 8)
        result = mix(result, word)
        data += 8
        count -= 8
    if count:
        word = 0
        memcpy(&word, data, count)
        result = mix(result, word)
    return mix(result, seed)


cdef bint has_empty_token(const char *subject, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i
    if count == 0 or subject[0] == c'.' or subject[count - 1] == c'.':
        return True
    for i in range(1, count):
        if subject[i] == c'.' and subject[i - 1] == c'.':
            return True
    return False


cdef bint may_match(
    const char *pattern, Py_ssize_t plen, const char *prefix, Py_ssize_t length, int64_t depth, int64_t further
) noexcept nogil:
    """See `app.domain.subject.may_match`; the prefix has `depth` tokens, none of them empty."""
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


cdef struct Shape:
    int64_t tokens
    bint plain  # no token is empty or a wildcard


cdef Shape shape_of(const char *subject, Py_ssize_t count) noexcept nogil:
    cdef Shape shape
    cdef Py_ssize_t start = 0, i
    shape.tokens = 0
    shape.plain = True
    for i in range(count + 1):
        if i == count or subject[i] == c'.':
            if i == start or (i - start == 1 and (subject[start] == c'*' or subject[start] == c'>')):
                shape.plain = False
            shape.tokens += 1
            start = i + 1
    return shape


cdef inline Py_ssize_t next_dot(
    const char *subject, Py_ssize_t count, Py_ssize_t length, int64_t depth
) noexcept nogil:
    """The length of the prefix with one token more than `length` bytes have, which is `depth`."""
    if depth:
        length += 1
    while length < count and subject[length] != c'.':
        length += 1
    return length


cdef bint is_wild(const char *pattern, Py_ssize_t count) noexcept nogil:
    """Whether some whole token is a wildcard."""
    cdef Py_ssize_t i
    for i in range(count):
        if pattern[i] == c'*' or pattern[i] == c'>':
            if (i == 0 or pattern[i - 1] == c'.') and (i + 1 == count or pattern[i + 1] == c'.'):
                return True
    return False


cdef inline bint is_kind(Entry *entry) noexcept nogil:
    """Whether it is for more than one subject."""
    return entry.further != 0 and entry.further != _MEMBER


# --- the line of a message ------------------------------------------------------------


cdef inline int64_t effort_of(Plan plan, int64_t size) noexcept:
    """The work of a message of which each receiver gets `size` bytes behind the sid."""
    cdef int64_t receivers = PyTuple_GET_SIZE(plan.plain) + PyTuple_GET_SIZE(plan.groups)
    return DELIVERY_WORK + receivers * (DELIVERY_WORK + size)


cdef inline int64_t bears(Target target, Py_ssize_t size, int64_t most) noexcept:
    """How many messages, at most `most`, it takes without a decision; `size` is without the sid."""
    cdef Outbox outbox = target.outbox
    cdef int64_t room
    if outbox is None:
        return most
    if target.limit or outbox.trace:
        return 0
    room = (outbox.alarm - outbox.backlog - outbox.size) // (size + PyBytes_GET_SIZE(target.middle))
    return min(most, room)


cdef inline bint is_blank(char c) noexcept nogil:
    return c == c' ' or c == c'\t' or c == c'\r'


cdef inline bint is_message(const char *line, Py_ssize_t count, bint routed) noexcept nogil:
    """Whether the line begins with PUB, or on a route with MSG, and a blank."""
    if count < 4 or (line[3] != c' ' and line[3] != c'\t'):
        return False
    if (line[0] | 0x20) == c'p' and (line[1] | 0x20) == c'u' and (line[2] | 0x20) == c'b':
        return True
    return routed and is_msg(line) and (line[1] | 0x20) == c's' and (line[2] | 0x20) == c'g'


cdef inline bint is_msg(const char *line) noexcept nogil:
    """Whether it is MSG, of a line that is a message."""
    return (line[0] | 0x20) == c'm'


cdef inline bint is_member(const char *sid, Py_ssize_t count) noexcept nogil:
    """Whether the sid names one member of a queue group: it begins with `seam.MEMBER_MARK`."""
    return count >= 6 and memcmp(sid, b"QRSID:", 6) == 0


cdef inline bint is_last(Memo *memo, const char *line, Py_ssize_t count) noexcept nogil:
    """Whether the line is, byte for byte, the one before."""
    cdef Py_ssize_t size = memo.publish.line_size
    return size != 0 and count >= size and memcmp(line, memo.line, size) == 0


cdef inline void memorize(Memo *memo, Publish *publish) noexcept nogil:
    """Note a line, unless it is too long for that."""
    if publish.line_size <= _MEMO_BYTES:
        memcpy(memo.line, publish.line, publish.line_size)
        memo.publish = publish[0]


cdef inline bint is_repeated(Publish *publish, Py_ssize_t count) noexcept nogil:
    """Whether another message with the same line stands behind this one, within `count` bytes."""
    cdef Py_ssize_t stride = publish.line_size + publish.size + 2
    return (
        publish.tail != 0
        and count >= stride + publish.line_size
        and memcmp(publish.line + stride, publish.line, publish.line_size) == 0
    )


@cython.final
@cython.no_gc_clear  # entries know what is retained; whoever forms circles with a plane can be cleared instead
cdef class DataPlane:
    """See `seam.Plane`."""

    cdef object planner
    cdef bytearray buffer
    cdef char *room
    cdef object view
    cdef list touched
    cdef list rest  # those for which a flush had no time
    cdef bint held
    cdef int64_t max_payload
    cdef Py_ssize_t max_line
    cdef uint64_t draw_state
    cdef public int64_t in_msgs
    cdef public int64_t in_bytes
    cdef public int64_t out_msgs
    cdef public int64_t out_bytes
    cdef public double now
    cdef public int64_t plan_hits
    # The plan cache.
    cdef Entry **slots
    cdef uint64_t mask
    cdef uint64_t used
    cdef int64_t cost
    cdef int64_t depths[_DEEPEST]  # entries of kinds, by leading tokens
    cdef int64_t kinds
    cdef list retained  # all that entries refer to, and None at vacant places
    cdef list vacant    # such places
    cdef uint64_t hash_key
    cdef uint64_t generation
    cdef int64_t change
    cdef list ring
    # The line before, whoever of the clients or of the routes sent it: runs of one line are parsed
    # once. Each has its own, since what is a message of the one is none, or too large, of the other.
    cdef Memo memos[2]

    def __cinit__(self, planner, seed, max_payload, max_control_line):
        self.planner = planner
        self.buffer = bytearray(RECEIVE_BYTES)
        self.room = PyByteArray_AS_STRING(self.buffer)
        self.view = memoryview(self.buffer)
        self.touched = []
        self.rest = []
        self.max_payload = max_payload
        self.max_line = max_control_line
        self.draw_state = seed
        self.hash_key = mix(seed, <uint64_t>0xD6E8FEB86659FD93)
        self.ring = [None] * RING
        self.retained = []
        self.vacant = []
        self.mask = _FIRST_TABLE - 1
        self.slots = <Entry **>calloc(_FIRST_TABLE, sizeof(Entry *))
        if self.slots is NULL:
            raise MemoryError

    def __dealloc__(self):
        if self.slots is not NULL:
            self.free_entries()
            free(self.slots)

    def outbox(self, wire, owner):
        cdef Outbox outbox = Outbox(self, wire, owner)
        return outbox

    def inlet(self, control, outbox, kind=seam.Kind.CLIENT):
        if kind == seam.Kind.ROUTE:
            return Inlet(control, outbox, True, route_payload(self.max_payload), route_line(self.max_line))
        return Inlet(control, outbox, False, self.max_payload, self.max_line)

    def target(self, outbox, sid, subscription):
        return Target(outbox, sid, subscription)

    def plan(self, plain, groups, refusal=b""):
        return Plan(plain, groups, refusal)

    # --- receiving ------------------------------------------------------------

    def reserve(self, Inlet inlet not None):
        cdef Py_ssize_t kept
        if inlet.own is not None:
            if inlet.filled == PyByteArray_GET_SIZE(inlet.own):
                self.grow(inlet)
            return memoryview(inlet.own)[inlet.filled:]
        if inlet.rest is None:
            return self.view
        kept = PyBytes_GET_SIZE(inlet.rest)
        memcpy(self.room, PyBytes_AS_STRING(inlet.rest), kept)
        return self.view[kept:]

    cdef int grow(self, Inlet inlet) except -1:
        """Make room: twice as much, but no more than the message needs."""
        cdef Py_ssize_t room = 2 * inlet.filled
        if inlet.need > inlet.filled and room > inlet.need:
            room = inlet.need
        cdef bytearray own = bytearray(room)
        memcpy(PyByteArray_AS_STRING(own), PyByteArray_AS_STRING(inlet.own), inlet.filled)
        inlet.own = own
        return 0

    cdef int keep(self, Inlet inlet, const char *rest, Py_ssize_t count, int64_t need) except -1:
        cdef Py_ssize_t room
        inlet.need = need
        if count > OWN_BYTES or need > OWN_BYTES:
            room = max(count, OWN_BYTES)
            inlet.rest = None
            inlet.own = bytearray(room)
            memcpy(PyByteArray_AS_STRING(inlet.own), rest, count)
            inlet.filled = count
        else:
            inlet.rest = PyBytes_FromStringAndSize(rest, count) if count else None
            inlet.own = None
            inlet.filled = 0
        return 0

    def ingest(self, Inlet inlet not None, Py_ssize_t count):
        cdef bytearray own = inlet.own
        cdef bytes rest = inlet.rest
        cdef const char *data
        cdef Py_ssize_t size
        self.held = False
        if inlet.closed:
            self.keep(inlet, NULL, 0, 0)
            return STOPPED
        if own is not None:
            if count < 0 or count > PyByteArray_GET_SIZE(own) - inlet.filled:
                raise ValueError("more bytes than were reserved")
            inlet.filled += count
            if inlet.filled < inlet.need - 1:
                return DONE
            data = PyByteArray_AS_STRING(own)
            size = inlet.filled
        elif count:
            size = count + (PyBytes_GET_SIZE(rest) if rest is not None else 0)
            if count < 0 or size > RECEIVE_BYTES:
                raise ValueError("more bytes than were reserved")
            data = self.room
        elif rest is not None:
            data = PyBytes_AS_STRING(rest)
            size = PyBytes_GET_SIZE(rest)
        else:
            return DONE
        if size < inlet.need - 1:
            if count:
                inlet.rest = PyBytes_FromStringAndSize(data, size)
            return DONE
        # `own` and `rest` stay alive in our frame while `data` points into them.
        inlet.rest = None
        inlet.own = None
        inlet.filled = 0
        inlet.need = 0
        return self.scan(inlet, data, size)

    cdef object scan(self, Inlet inlet, const char *data, Py_ssize_t size):
        """Consume messages and lines; what is left over is kept in the inlet."""
        cdef Py_ssize_t position = 0
        cdef Py_ssize_t count
        cdef int64_t work = TURN_WORK
        cdef int64_t stop
        cdef const char *line
        cdef const char *end
        cdef Memo *memo = &self.memos[inlet.routed]
        cdef Publish publish
        cdef Plan plan
        cdef Py_ssize_t repeats
        cdef int fault
        while position < size:
            if inlet.closed:
                return STOPPED
            if self.held:
                self.keep(inlet, data + position, size - position, 0)
                return HELD
            if work <= 0:
                self.keep(inlet, data + position, size - position, 0)
                return TURN
            line = data + position
            count = size - position
            if inlet.publishing and is_last(memo, line, count):
                publish = memo.publish
                publish.line = line
            else:
                end = <const char *>memchr(line, c'\n', count)
                if end is NULL:
                    if not inlet.control.partial(PyBytes_FromStringAndSize(line, count)):
                        return STOPPED
                    self.keep(inlet, line, count, 0)
                    return DONE
                publish.line_size = end - line + 1
                if not inlet.publishing or not is_message(line, publish.line_size - 1, inlet.routed):
                    position += publish.line_size
                    work -= LINE_WORK
                    if not inlet.control.line(PyBytes_FromStringAndSize(line, publish.line_size - 1)):
                        if not inlet.closed:
                            self.keep(inlet, data + position, size - position, 0)
                        return STOPPED
                    continue
                publish.line = line
                fault = self.understand(inlet, &publish)
                if fault >= 0:
                    self.report(inlet, &publish, fault)
                    return STOPPED
                memorize(memo, &publish)
            plan = self.plan_of(inlet, &publish)
            self.refuse(inlet, plan)
            stop = publish.line_size + publish.size
            if stop + 2 > count:
                if stop < count and line[stop] != c'\r':
                    self.report_terminator(inlet, line + stop, count - stop)
                    return STOPPED
                self.keep(inlet, line, count, stop + 2)
                return DONE
            if line[stop] != c'\r' or line[stop + 1] != c'\n':
                self.report_terminator(inlet, line + stop, count - stop)
                return STOPPED
            if plan.runs and is_repeated(&publish, count) and not inlet.verbose and not inlet.trace:
                repeats = self.publish_run(inlet, &publish, plan, count, work)
                if repeats:
                    position += repeats * (stop + 2)
                    work -= repeats * effort_of(plan, publish.line_size - publish.tail + publish.size + 2)
                    continue
            position += stop + 2
            work -= self.publish(inlet, &publish, plan)
        return HELD if self.held else DONE

    cdef int understand(self, Inlet inlet, Publish *publish) noexcept:
        """Take a message's line apart; answer what is wrong with it, or -1."""
        cdef const char *line = publish.line
        cdef Py_ssize_t end = publish.line_size - 1
        cdef Py_ssize_t i = 4
        cdef Py_ssize_t starts[4]
        cdef Py_ssize_t sizes[4]
        cdef Py_ssize_t argument
        cdef int words = 0
        cdef int before = 2 if is_msg(line) else 1  # words before the reply: the subject, and the sid of MSG
        cdef int most = before + 2
        while i < end and (line[i] == c' ' or line[i] == c'\t'):
            i += 1
        publish.argument = i
        argument = end - i
        if argument and line[end - 1] == c'\r':
            argument -= 1
        if argument > inlet.max_line or end > inlet.max_line + SLACK:
            return FAULT_LINE
        while True:
            while i < end and is_blank(line[i]):
                i += 1
            if i == end:
                break
            if words == most:
                return FAULT_ARGUMENTS
            starts[words] = i
            while i < end and not is_blank(line[i]):
                i += 1
            sizes[words] = i - starts[words]
            words += 1
        if words <= before:
            return FAULT_ARGUMENTS
        publish.subject = starts[0]
        publish.subject_size = sizes[0]
        publish.digits = starts[words - 1]
        publish.digits_size = sizes[words - 1]
        publish.reply = starts[before]
        publish.reply_size = sizes[before] if words == most else 0
        publish.member_size = 0
        if before == 2 and is_member(line + starts[1], sizes[1]):
            publish.member = starts[1]
            publish.member_size = sizes[1]
        return self.read_size(inlet, publish)

    cdef int read_size(self, Inlet inlet, Publish *publish) noexcept:
        """Read the digits, and see whether the bytes from the reply on serve MSG as they are."""
        cdef const char *digits = publish.line + publish.digits
        cdef Py_ssize_t i
        cdef uint64_t size = 0
        for i in range(publish.digits_size):
            if digits[i] < c'0' or digits[i] > c'9':
                return FAULT_SIZE
            size = size * 10 + (digits[i] - c'0')  # may wrap around, and is no number then
        if publish.digits_size > MOST_DIGITS:
            return FAULT_PAYLOAD
        publish.size = <int64_t>size
        if 0 <= inlet.max_payload < publish.size:
            return FAULT_PAYLOAD
        publish.tail = 0
        i = publish.digits + publish.digits_size
        if i + 2 == publish.line_size and publish.line[i] == c'\r':
            if publish.reply_size == 0:
                publish.tail = publish.digits
            elif publish.reply + publish.reply_size + 1 == publish.digits and publish.line[publish.digits - 1] == c' ':
                publish.tail = publish.reply
        return -1

    cdef int report(self, Inlet inlet, Publish *publish, int fault) except -1:
        cdef bytes text
        if fault == FAULT_LINE:
            text = b""
        elif fault == FAULT_PAYLOAD:
            text = PyBytes_FromStringAndSize(publish.line + publish.digits, publish.digits_size)
        else:
            text = PyBytes_FromStringAndSize(
                publish.line + publish.argument, publish.line_size - 1 - publish.argument
            )
        inlet.control.fault(fault, text)
        return 0

    cdef int report_terminator(self, Inlet inlet, const char *after, Py_ssize_t count) except -1:
        inlet.control.fault(FAULT_TERMINATOR, PyBytes_FromStringAndSize(after, min(count, 32)))
        return 0

    # --- delivering -------------------------------------------------------------

    cdef int64_t publish(self, Inlet inlet, Publish *publish, Plan plan) except -1:
        """Execute the plan for one message; return the work it was."""
        cdef const char *line = publish.line
        cdef const char *subject = line + publish.subject
        cdef Message message
        cdef tuple group
        cdef Py_ssize_t i
        cdef bytes prefix = None
        inlet.in_msgs += 1
        inlet.in_bytes += publish.size
        inlet.last_publish = self.now
        self.in_msgs += 1
        self.in_bytes += publish.size
        if inlet.trace:
            self.trace(inlet, publish)
        inlet.refused = False
        if inlet.verbose:
            inlet.outbox.send(_OK)
        message.subject = subject
        message.subject_size = publish.subject_size
        message.size = publish.size
        message.prefix_size = 0
        if publish.tail:
            message.tail = line + publish.tail
            message.tail_size = publish.line_size - publish.tail + publish.size + 2
        else:
            prefix = self.canonical(publish)
            message.prefix = PyBytes_AS_STRING(prefix)
            message.prefix_size = PyBytes_GET_SIZE(prefix)
            message.tail = line + publish.line_size
            message.tail_size = publish.size + 2
        message.shared = NULL
        try:
            for i in range(PyTuple_GET_SIZE(plan.plain)):
                self.deliver(<Target>PyTuple_GET_ITEM(plan.plain, i), &message)
            for i in range(PyTuple_GET_SIZE(plan.groups)):
                group = <tuple>PyTuple_GET_ITEM(plan.groups, i)
                self.deliver(<Target>PyTuple_GET_ITEM(group, self.below(PyTuple_GET_SIZE(group))), &message)
        finally:
            Py_XDECREF(message.shared)
        return effort_of(plan, message.prefix_size + message.tail_size)

    cdef Py_ssize_t publish_run(
        self, Inlet inlet, Publish *publish, Plan plan, Py_ssize_t count, int64_t work
    ) except -1:
        """Publish the messages from here on whose line is the same, all at once; see `reference`.

        What a receiver gets is written in one go, so its outbox is touched once, not
        once per message. Returns how many messages they were; 0 to go one by one.
        """
        cdef const char *line = publish.line
        cdef Py_ssize_t stride = publish.line_size + publish.size + 2
        cdef Py_ssize_t tail_size = stride - publish.tail
        cdef int64_t most, effort
        cdef Py_ssize_t repeats = 1, i
        cdef Target target
        if tail_size >= REFERENCED_BYTES:
            return 0
        effort = effort_of(plan, tail_size)
        most = (work + effort - 1) // effort
        for i in range(PyTuple_GET_SIZE(plan.plain)):
            target = <Target>PyTuple_GET_ITEM(plan.plain, i)
            most = bears(target, 4 + publish.subject_size + tail_size, most)
        if most < 1:
            return 0
        while repeats < most and (repeats + 1) * stride <= count:
            if memcmp(line + repeats * stride, line, publish.line_size) != 0:
                break
            i = (repeats + 1) * stride
            if line[i - 2] != c'\r' or line[i - 1] != c'\n':
                break
            repeats += 1
        inlet.refused = False
        inlet.in_msgs += repeats
        inlet.in_bytes += repeats * publish.size
        inlet.last_publish = self.now
        self.in_msgs += repeats
        self.in_bytes += repeats * publish.size
        for i in range(PyTuple_GET_SIZE(plan.plain)):
            self.deliver_run(<Target>PyTuple_GET_ITEM(plan.plain, i), publish, repeats)
        return repeats

    cdef int deliver_run(self, Target target, Publish *publish, Py_ssize_t repeats) except -1:
        cdef Outbox outbox = target.outbox
        cdef const char *tail = publish.line + publish.tail
        cdef Py_ssize_t stride = publish.line_size + publish.size + 2
        cdef Py_ssize_t tail_size = stride - publish.tail
        cdef Py_ssize_t middle, head, total
        cdef const char *first
        cdef char *out
        if outbox is None or outbox.closed:
            return 0
        middle = PyBytes_GET_SIZE(target.middle)
        head = 4 + publish.subject_size + middle
        total = repeats * (head + tail_size)
        self.out_msgs += repeats
        self.out_bytes += repeats * publish.size
        target.delivered += repeats
        outbox.out_msgs += repeats
        outbox.out_bytes += repeats * publish.size
        outbox.last_delivery = self.now
        if outbox.capacity - outbox.length < total:
            outbox.make_room(total)
        out = outbox.tip()
        first = out
        copy(out, b"MSG ", 4)
        copy(out + 4, publish.line + publish.subject, publish.subject_size)
        copy(out + 4 + publish.subject_size, PyBytes_AS_STRING(target.middle), middle)
        copy(out + head, tail, tail_size)
        out += head + tail_size
        while repeats > 1:
            tail += stride
            copy(out, first, head)
            copy(out + head, tail, tail_size)
            out += head + tail_size
            repeats -= 1
        outbox.length += total
        outbox.size += total
        return outbox.touch()

    cdef inline Plan plan_of(self, Inlet inlet, Publish *publish):
        """The plan for a message: that of the one before, if it is for the same subject or member."""
        cdef const char *subject = publish.line + publish.subject
        if publish.member_size:
            return self.member_plan(inlet, publish.line + publish.member, publish.member_size)
        if (
            inlet.plan is not None
            and inlet.generation == self.generation
            and inlet.planned_for == inlet.audience
            and inlet.name_size == publish.subject_size
            and not inlet.for_member
            and memcmp(inlet.name, subject, publish.subject_size) == 0
        ):
            return inlet.plan
        return self.plan_for(inlet, subject, publish.subject_size)

    cdef inline int refuse(self, Inlet inlet, Plan plan) except -1:
        """What the line alone refuses is refused before the payload has come, and once."""
        if plan.refused and not inlet.refused:
            inlet.refused = True
            inlet.outbox.send(plan.refusal)
        return 0

    cdef bytes canonical(self, Publish *publish):
        """What stands between sid and payload in MSG, for a line that was spelled otherwise."""
        size = PyBytes_FromStringAndSize(publish.line + publish.digits, publish.digits_size) + b"\r\n"
        if publish.reply_size == 0:
            return size
        return PyBytes_FromStringAndSize(publish.line + publish.reply, publish.reply_size) + b" " + size

    cdef int trace(self, Inlet inlet, Publish *publish) except -1:
        inlet.control.traced(
            _MSG if is_msg(publish.line) else _PUB,
            PyBytes_FromStringAndSize(
                publish.line + publish.argument, publish.line_size - 1 - publish.argument
            ),
            PyBytes_FromStringAndSize(publish.line + publish.line_size, publish.size),
        )
        return 0

    cdef inline int deliver(self, Target target, Message *message) except -1:
        cdef Outbox outbox = target.outbox
        cdef Py_ssize_t middle, head
        cdef char *out
        if outbox is None or outbox.closed:
            return 0
        self.out_msgs += 1
        self.out_bytes += message.size
        target.delivered += 1
        outbox.out_msgs += 1
        outbox.out_bytes += message.size
        outbox.last_delivery = self.now
        middle = PyBytes_GET_SIZE(target.middle)
        head = 4 + message.subject_size + middle + message.prefix_size
        if message.tail_size >= REFERENCED_BYTES:
            self.refer(outbox, target, message, head)
        else:
            if outbox.capacity - outbox.length < head + message.tail_size:
                outbox.make_room(head + message.tail_size)
            out = self.write_head(outbox.tip(), target, message)
            copy(out, message.tail, message.tail_size)
            outbox.length += head + message.tail_size
            outbox.size += head + message.tail_size
        if outbox.trace:
            self.trace_sent(outbox, target, message)
        outbox.touch()
        if target.delivered == target.limit:
            if target.subscription is not None:
                target.subscription.expired()
        return 0

    cdef inline char *write_head(self, char *out, Target target, Message *message) noexcept:
        cdef Py_ssize_t middle = PyBytes_GET_SIZE(target.middle)
        copy(out, b"MSG ", 4)
        out += 4
        copy(out, message.subject, message.subject_size)
        out += message.subject_size
        copy(out, PyBytes_AS_STRING(target.middle), middle)
        out += middle
        if message.prefix_size:
            memcpy(out, message.prefix, message.prefix_size)
            out += message.prefix_size
        return out

    cdef int refer(self, Outbox outbox, Target target, Message *message, Py_ssize_t head) except -1:
        """Queue a large message: its head copied, the rest shared by all receivers."""
        if message.shared is NULL:
            message.shared = PyBytes_FromStringAndSize_raw(<char *>message.tail, message.tail_size)
        if outbox.capacity - outbox.length < head:
            outbox.make_room(head)
        self.write_head(outbox.tip(), target, message)
        outbox.length += head
        outbox.size += head
        outbox.refer(<bytes>message.shared)
        return 0

    cdef int trace_sent(self, Outbox outbox, Target target, Message *message) except -1:
        cdef bytes prefix = b""
        if message.prefix_size:
            prefix = PyBytes_FromStringAndSize(message.prefix, message.prefix_size)
        cdef bytes head = (
            b"MSG "
            + PyBytes_FromStringAndSize(message.subject, message.subject_size)
            + target.middle
            + prefix
            + PyBytes_FromStringAndSize(message.tail, message.tail_size - message.size - 2)
        )
        outbox.owner.sent(head[: head.index(b"\r")])
        return 0

    cdef inline Py_ssize_t below(self, Py_ssize_t bound) noexcept:
        """See `draw.Draw`."""
        cdef uint64_t x
        if bound == 1:
            return 0
        x = self.draw_state
        x ^= x >> 12
        x ^= x << 25
        x ^= x >> 27
        self.draw_state = x
        return <Py_ssize_t>((((x * <uint64_t>0x2545F4914F6CDD1D) >> 32) * <uint64_t>bound) >> 32)

    def flush(self):
        cdef list touched = self.touched
        if not touched:
            return False
        self.touched = []
        return self.hand_over(touched)

    def flush_rest(self):
        cdef list rest = self.rest
        self.rest = []
        return self.hand_over(rest)

    cdef bint hand_over(self, list outboxes) except -1:
        """Whether some were left."""
        cdef int64_t room = FLUSH_BYTES
        cdef Py_ssize_t position = 0
        for outbox in outboxes:
            position += 1
            room -= (<Outbox>outbox).size
            (<Outbox>outbox).flush()
            if room <= 0 and position < len(outboxes):
                self.rest.extend(outboxes[position:])
                return True
        return False

    # --- plans --------------------------------------------------------------------

    cdef Plan plan_for(self, Inlet inlet, const char *subject, Py_ssize_t count):
        """The plan from the cache or from the planner; the inlet remembers it."""
        cdef Entry *entry = self.lookup(subject, count)
        cdef Plan plan = self.known(entry, inlet.audience) if entry is not NULL else None
        if plan is not None:
            self.plan_hits += 1
        else:
            # Copied, since the planner may do anything, even change the cache.
            name = PyBytes_FromStringAndSize(subject, count)
            plan = <Plan?>self.planner.plan(self, inlet.audience, name)
            entry = self.lookup(subject, count)
            if entry is NULL:
                entry = self.new_entry(subject, count, self.planner.decisive(name))
            self.enter(entry, inlet.audience, plan)
        inlet.remember(plan, self.generation, subject, count, False)
        return plan

    cdef Plan member_plan(self, Inlet inlet, const char *sid, Py_ssize_t count):
        """The plan for a queue member, from the inlet, the cache or the planner; the inlet remembers it."""
        cdef Entry *entry
        cdef Plan plan
        if (
            inlet.plan is not None
            and inlet.for_member
            and inlet.generation == self.generation
            and inlet.name_size == count
            and memcmp(inlet.name, sid, count) == 0
        ):
            return inlet.plan
        entry = self.find(sid, count, _MEMBER)
        if entry is not NULL:
            plan = <Plan>entry.plan
        else:
            plan = <Plan?>self.planner.member(self, PyBytes_FromStringAndSize(sid, count))
            entry = self.find(sid, count, _MEMBER)
            if entry is NULL:
                entry = self.insert(sid, count, 0, _MEMBER)
            self.enter(entry, 0, plan)
        inlet.remember(plan, self.generation, sid, count, True)
        return plan

    cdef Entry *lookup(self, const char *subject, Py_ssize_t count) except? NULL:
        """The entry for a subject: one of its own, or one for all of its kind."""
        cdef Entry *entry = NULL
        cdef Shape shape
        cdef int64_t depth = 0
        cdef Py_ssize_t length = 0
        if self.used > <uint64_t>self.kinds:
            entry = self.fresh_entry(subject, count, 0)
        if entry is not NULL or not self.kinds:
            return entry
        shape = shape_of(subject, count)
        while shape.plain and depth < shape.tokens and depth < _DEEPEST:
            if self.depths[depth]:
                entry = self.fresh_entry(subject, length, shape.tokens - depth)
                if entry is not NULL:
                    return entry
            length = next_dot(subject, count, length, depth)
            depth += 1
        return NULL

    cdef Plan known(self, Entry *entry, int audience):
        if entry.plan is not NULL and entry.audience == audience:
            return <Plan>entry.plan
        if entry.others is not NULL:
            return (<dict>entry.others).get(audience)
        return None

    cdef int enter(self, Entry *entry, int audience, Plan plan) except -1:
        if entry.plan is NULL:
            entry.plan_place = self.retain(plan)
            entry.plan = <PyObject *>plan
            entry.audience = audience
            return 0
        if entry.others is NULL:
            others = {}
            entry.others_place = self.retain(others)
            entry.others = <PyObject *>others
        (<dict>entry.others)[audience] = plan
        return 0

    cdef Py_ssize_t retain(self, object thing) except -1:
        """Keep it alive, and return where."""
        cdef Py_ssize_t place
        if self.vacant:
            place = self.vacant.pop()
            self.retained[place] = thing
            return place
        self.retained.append(thing)
        return len(self.retained) - 1

    cdef int release(self, Py_ssize_t place) except -1:
        self.vacant.append(place)
        self.retained[place] = None
        return 0

    cdef inline Entry *find(self, const char *prefix, Py_ssize_t count, int64_t further) noexcept:
        cdef uint64_t code = hash_of(prefix, count, self.hash_key + <uint64_t>further)
        cdef uint64_t i = code & self.mask
        cdef Entry *entry = self.slots[i]
        while entry is not NULL:
            if (
                entry.hash == code
                and entry.length == count
                and entry.further == further
                and memcmp(entry.prefix, prefix, count) == 0
            ):
                return entry
            i = (i + 1) & self.mask
            entry = self.slots[i]
        return NULL

    cdef Entry *fresh_entry(self, const char *prefix, Py_ssize_t count, int64_t further) except? NULL:
        cdef Entry *entry = self.find(prefix, count, further)
        if entry is not NULL and entry.stamp != self.change:
            if self.is_stale(entry):
                self.drop(entry)
                return NULL
            entry.stamp = self.change
        return entry

    cdef bint is_stale(self, Entry *entry) except -1:
        """Whether some wildcard change since its stamp bears on it, or is forgotten."""
        cdef int64_t change = entry.stamp
        cdef bytes pattern
        if self.change - change > RING:
            return True
        if entry.depth and has_empty_token(entry.prefix, entry.length):
            return False
        while change < self.change:
            pattern = <bytes>self.ring[change % RING]
            if may_match(
                PyBytes_AS_STRING(pattern),
                PyBytes_GET_SIZE(pattern),
                entry.prefix,
                entry.length,
                entry.depth,
                entry.further,
            ):
                return True
            change += 1
        return False

    cdef Entry *new_entry(self, const char *subject, Py_ssize_t count, int64_t decisive) except NULL:
        """An entry for the kind of a subject that so many of its leading tokens decide."""
        cdef Py_ssize_t length = 0
        cdef int64_t tokens = shape_of(subject, count).tokens
        cdef int64_t depth = tokens
        if 0 <= decisive < tokens and decisive < _DEEPEST:
            for depth in range(decisive):
                length = next_dot(subject, count, length, depth)
            depth = decisive
            count = length
        return self.insert(subject, count, depth, tokens - depth)

    cdef Entry *insert(self, const char *prefix, Py_ssize_t count, int64_t depth, int64_t further) except NULL:
        """A new entry; see `Entry`."""
        cdef Entry *entry
        cdef uint64_t i
        if self.cost + PLAN_COST + count > PLAN_BUDGET:
            self.drop_all()
            self.generation += 1
        if 2 * (self.used + 1) > self.mask:
            self.widen()
        entry = <Entry *>malloc(sizeof(Entry) + count)
        if entry is NULL:
            raise MemoryError
        entry.hash = hash_of(prefix, count, self.hash_key + <uint64_t>further)
        entry.stamp = self.change
        entry.plan = NULL
        entry.others = NULL
        entry.audience = 0
        entry.depth = <uint32_t>depth
        entry.further = <uint32_t>further
        entry.length = <uint32_t>count
        entry.prefix = <char *>entry + sizeof(Entry)
        memcpy(entry.prefix, prefix, count)
        i = entry.hash & self.mask
        while self.slots[i] is not NULL:
            i = (i + 1) & self.mask
        self.slots[i] = entry
        self.used += 1
        self.cost += PLAN_COST + count
        if is_kind(entry):
            self.depths[depth] += 1
            self.kinds += 1
        return entry

    cdef int widen(self) except -1:
        """Double the table."""
        cdef uint64_t size = self.mask + 1
        cdef uint64_t mask = 2 * size - 1
        cdef Entry **slots = <Entry **>calloc(2 * size, sizeof(Entry *))
        cdef uint64_t i, j
        if slots is NULL:
            raise MemoryError
        for i in range(size):
            if self.slots[i] is not NULL:
                j = self.slots[i].hash & mask
                while slots[j] is not NULL:
                    j = (j + 1) & mask
                slots[j] = self.slots[i]
        free(self.slots)
        self.slots = slots
        self.mask = mask
        return 0

    cdef int drop(self, Entry *entry) except -1:
        """Take an entry out, and close the gap it leaves in its run of slots."""
        cdef uint64_t gap = entry.hash & self.mask
        cdef uint64_t i, home
        while self.slots[gap] is not entry:
            gap = (gap + 1) & self.mask
        i = gap
        while True:
            i = (i + 1) & self.mask
            if self.slots[i] is NULL:
                break
            home = self.slots[i].hash & self.mask
            if ((i - home) & self.mask) >= ((i - gap) & self.mask):
                self.slots[gap] = self.slots[i]
                gap = i
        self.slots[gap] = NULL
        self.used -= 1
        self.cost -= PLAN_COST + entry.length
        if is_kind(entry):
            self.depths[entry.depth] -= 1
            self.kinds -= 1
        self.discard(entry)
        return 0

    cdef int discard(self, Entry *entry) except -1:
        cdef Py_ssize_t plan = entry.plan_place if entry.plan is not NULL else -1
        cdef Py_ssize_t others = entry.others_place if entry.others is not NULL else -1
        free(entry)
        if plan >= 0:
            self.release(plan)
        if others >= 0:
            self.release(others)
        return 0

    cdef void free_entries(self) noexcept:
        cdef uint64_t i
        for i in range(self.mask + 1):
            free(self.slots[i])
            self.slots[i] = NULL

    cdef int drop_all(self) except -1:
        self.free_entries()
        self.used = 0
        self.cost = 0
        self.kinds = 0
        memset(self.depths, 0, sizeof(self.depths))
        self.vacant = []
        self.retained = []
        return 0

    def forget_member(self, bytes sid not None):
        cdef Entry *entry = self.find(PyBytes_AS_STRING(sid), PyBytes_GET_SIZE(sid), _MEMBER)
        if entry is not NULL:
            self.drop(entry)
            self.generation += 1

    def forget_plans(self):
        self.drop_all()
        self.generation += 1

    def changed(self, bytes subject not None):
        cdef const char *text = PyBytes_AS_STRING(subject)
        cdef Py_ssize_t count = PyBytes_GET_SIZE(subject)
        cdef Py_ssize_t length = 0
        cdef int64_t depth = 0, tokens
        self.generation += 1
        if is_wild(text, count):
            self.ring[self.change % RING] = subject
            self.change += 1
            return
        self.drop_if_any(self.find(text, count, 0))
        tokens = shape_of(text, count).tokens
        while self.kinds and depth < tokens and depth < _DEEPEST:
            if self.depths[depth]:
                self.drop_if_any(self.find(text, length, tokens - depth))
            length = next_dot(text, count, length, depth)
            depth += 1

    cdef inline void drop_if_any(self, Entry *entry):
        if entry is not NULL:
            self.drop(entry)
