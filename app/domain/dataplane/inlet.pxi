"""What one connection sends, in the compiled twin: its rest, its mode, its counters and its last plan."""

# Uses of brief: Brief
# Uses of framing: is_same
# Uses of message: Bounds, Message, argument_of, shown_of, verb_of
# Uses of outbox: Outbox
# Uses of plan: Plan, Target
# Uses of unheard: AnswerPlace

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from . import constants, seam

cdef Py_ssize_t OWN_BYTES = constants.OWN_BYTES
cdef object HookedMessage = seam.HookedMessage

cdef object DONE = seam.Progress.DONE
cdef object STOPPED = seam.Progress.STOPPED
cdef object HELD = seam.Progress.HELD
cdef object TURN = seam.Progress.TURN
cdef object LATER = seam.Progress.LATER


@cython.final
cdef class Inlet:
    """See `seam.Inlet`, and `inlet.Inlet` for the rest; here a small rest is None or not empty."""

    cdef object control
    cdef Outbox outbox
    cdef Bounds bounds
    cdef public int64_t in_msgs
    cdef public int64_t in_bytes
    cdef public double last_publish
    cdef public bint verbose
    cdef public bint publishing
    cdef public bint headers
    cdef public bint echo
    cdef public bint no_responders
    cdef public int64_t audience
    cdef public bint closed
    cdef public bint trace
    cdef public bint traces
    cdef public bint guarded
    cdef public bint briefs
    # Small, since there is an inlet for each connection.
    cdef unsigned char kind     # see `seam.Kind`
    cdef unsigned char refused  # whether the incomplete message has been, already
    cdef unsigned char for_member  # see `name`
    cdef unsigned char stopped  # whether the ingest stops after the message at hand
    cdef bytes rest
    cdef bytearray own
    cdef Py_ssize_t filled
    cdef int64_t need
    # What the plan of the message before is for, a subject or a member's sid, and the plan itself,
    # good in this generation, and for this audience if it is that of a subject.
    cdef char *name
    cdef uint32_t name_size
    cdef uint32_t name_room
    cdef Plan plan
    cdef uint64_t generation
    cdef int64_t planned_for
    # The latest plans that differ, to see whom else this publisher serves.
    cdef Plan latest
    cdef Plan before
    # A decision for the message that the rest begins with, or None, and the audience it is for.
    cdef object search
    cdef int64_t searched_for
    cdef Brief brief  # the subscription that is kept for it; None if there is none
    cdef AnswerPlace place  # where requests to nobody are answered; None if that is not known

    def __cinit__(self, control, Outbox outbox not None, int kind):
        self.control = control
        self.outbox = outbox
        self.kind = kind
        self.echo = True

    def __dealloc__(self):
        free(self.name)

    def has_rest(self):
        return self.filled > 0 or self.rest is not None

    def kept(self):
        if self.own is not None:
            return PyBytes_FromStringAndSize(PyByteArray_AS_STRING(self.own), self.filled)
        return self.rest if self.rest is not None else b""

    def put(self, bytes data not None):
        self.keep(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), 0)

    def serves_another(self, Outbox besides not None, int64_t low):
        if self.latest is not None and self.latest.serves_another(besides, low):
            return True
        return self.before is not None and self.before.serves_another(besides, low)

    def answer_at(self, bytes prefix not None, Target target not None):
        self.place = AnswerPlace(prefix, target)

    cdef inline bint may_run(self, Plan plan) noexcept:
        """Whether messages in a row may be published at once: their plan lasts, and their publisher does not care."""
        return plan is self.plan and not self.verbose and not self.trace and self.echo

    cdef inline bint wants_answer(self, Message *message, Plan plan) noexcept:
        """Whether the publisher is to learn if nobody gets a message, where it asked for that."""
        return message.reply_size != 0 and not plan.refused

    cdef int trace_message(self, Message *message) except -1:
        self.control.traced(
            verb_of(message),
            argument_of(message),
            PyBytes_FromStringAndSize(message.line + message.line_size, message.size),
        )
        return 0

    cdef int refuse(self, Plan plan, Message *message, bint for_reply) except -1:
        """What the line alone refuses is refused before the payload has come, and once."""
        self.refused = True
        if plan.refusal:
            self.outbox.send(plan.refusal)
        if plan.denied:
            self.control.denied(
                PyBytes_FromStringAndSize(message.line + message.subject, message.subject_size),
                PyBytes_FromStringAndSize(message.line + message.reply, message.reply_size) if for_reply else b"",
            )
        return 0

    cdef bint hand_over(self, Plan plan, Message *message) except? True:
        """Give a message to the control plane; whether the ingest goes on."""
        cdef const char *line = message.line
        return self.control.hooked(
            plan,
            HookedMessage(
                shown_of(message),
                PyBytes_FromStringAndSize(line + message.reply, message.reply_size),
                message.header,
                PyBytes_FromStringAndSize(line + message.line_size, message.size),
                PyBytes_FromStringAndSize(line + message.subject, message.subject_size if message.shown_size else 0),
            ),
        )

    cdef object stop(self, const char *rest, Py_ssize_t count):
        """Keep the rest: the message that was handed over before it stops the ingest."""
        self.stopped = False
        if not self.closed:
            self.keep(rest, count, 0)
        return STOPPED

    cdef int report_unheard(self, Message *message) except -1:
        """A request reached nobody."""
        if self.place is not None and self.place.answer(self.outbox, message):
            return 0
        self.control.no_responders(
            PyBytes_FromStringAndSize(message.line + message.subject, message.subject_size),
            PyBytes_FromStringAndSize(message.line + message.reply, message.reply_size),
        )
        return 0

    cdef int keep(self, const char *rest, Py_ssize_t count, int64_t need) except -1:
        """Let this be the rest, the beginning of a message that takes `need` bytes if that is known."""
        self.need = need
        if count > OWN_BYTES or need > OWN_BYTES:
            self.rest = None
            self.own = bytearray(max(count, OWN_BYTES))
            memcpy(PyByteArray_AS_STRING(self.own), rest, count)
            self.filled = count
        else:
            self.rest = PyBytes_FromStringAndSize(rest, count) if count else None
            self.own = None
            self.filled = 0
        return 0

    cdef object room(self):
        """Where the next bytes go in ``own``; if full, in one twice as large, or as the message needs."""
        cdef Py_ssize_t size
        cdef bytearray own
        if self.filled == PyByteArray_GET_SIZE(self.own):
            size = 2 * self.filled
            if self.need > self.filled:
                size = min(size, self.need)
            own = bytearray(size)
            memcpy(PyByteArray_AS_STRING(own), PyByteArray_AS_STRING(self.own), self.filled)
            self.own = own
        return memoryview(self.own)[self.filled:]

    cdef inline int remember(
        self, Plan plan, uint64_t generation, const char *name, Py_ssize_t count, bint for_member
    ) except -1:
        """Note a plan, and the subject or sid that it is for."""
        if count > self.name_room:
            self.make_name_room(count)
        memcpy(self.name, name, count)
        self.name_size = count
        self.for_member = for_member
        self.plan = plan
        self.generation = generation
        self.planned_for = self.audience
        self.note(plan)
        return 0

    cdef int make_name_room(self, Py_ssize_t count) except -1:
        self.plan = None
        free(self.name)
        self.name_room = 0
        self.name = <char *>malloc(count)
        if self.name is NULL:
            raise MemoryError
        self.name_room = count
        return 0

    cdef inline void note(self, Plan plan) noexcept:
        """Remember whom the latest messages were for."""
        if plan is not self.latest:
            self.before = self.latest
            self.latest = plan

    cdef inline bint remembers(
        self, uint64_t generation, const char *name, Py_ssize_t count, bint for_member
    ) noexcept:
        """Whether the plan is for this subject or sid, and still good."""
        return (
            self.plan is not None
            and self.generation == generation
            and (for_member or self.planned_for == self.audience)
            and self.name_size == count
            and self.for_member == for_member
            and is_same(self.name, name, count)
        )
