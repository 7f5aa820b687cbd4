"""Brief subscriptions, in the compiled twin: see ``brief``."""

# Uses of inlet: Inlet
# Uses of native: DataPlane
# Uses of plan: Plan, Target

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t
from libc.string cimport memcmp

from . import brief as _brief

cdef enum:
    _LONGEST_BRIEF = 256  # bytes of a SUB that is kept
    _UNSUB_BYTES = 14     # what an UNSUB takes without its sid, and "PUB " after it

cdef Py_ssize_t MOST_BRIEF = _brief.MOST_BRIEF


@cython.final
@cython.no_gc_clear  # as for the plane
cdef class Briefs:
    """See `brief.Briefs`. A subject has one brief subscription, and so has a connection."""

    cdef dict known  # by subject
    cdef bint allowed
    cdef readonly int64_t passed

    def __cinit__(self):
        self.known = {}

    def allow(self, *, bint allowed):
        self.allowed = allowed
        if not allowed:
            self.settle()

    def settle(self):
        while self.known:
            (<Brief>next(iter(self.known.values()))).settle()

    cdef Brief at(self, const char *subject, Py_ssize_t count):
        """The one that has this subject."""
        return self.known.get(PyBytes_FromStringAndSize(subject, count))

    cdef int settle_at(self, bytes subject) except -1:
        """Obey the lines for this subject, if they are kept."""
        cdef Brief brief = self.known.get(subject)
        if brief is not None:
            brief.settle()
        return 0


@cython.final
cdef class Brief:
    """One subscription that the control plane does not know."""

    cdef Briefs briefs
    cdef Inlet inlet
    cdef bytes subject
    cdef bytes sid
    cdef Target target
    cdef double since

    cdef int forget(self) except -1:
        """It is no brief subscription any more."""
        del self.briefs.known[self.subject]
        self.inlet.brief = None
        self.target.retire()
        return 0

    cdef int end(self) except -1:
        """It has had its message."""
        cdef Brief held = self  # `forget` lets go of it
        self.briefs.passed += 1
        return self.forget()

    cdef int settle(self) except -1:
        """Have the control plane obey its lines, as of when they came."""
        cdef Brief held = self
        cdef DataPlane plane = self.inlet.outbox.plane
        cdef double now = plane.now
        self.forget()
        plane.now = self.since
        try:
            self.inlet.control.line(b"SUB %b %b\r" % (self.subject, self.sid))
            self.inlet.control.line(b"UNSUB %b 1\r" % self.sid)
        finally:
            plane.now = now
        return 0

    cdef Plan plan(self):
        """The plan for its message, which nobody else gets."""
        return Plan.__new__(Plan, (self.target,), (), b"")


cdef struct BriefLines:
    Py_ssize_t subject_size
    Py_ssize_t sid  # where it begins
    Py_ssize_t sid_size


cdef Py_ssize_t take_brief(
    DataPlane plane, Inlet inlet, const char *line, Py_ssize_t size, Py_ssize_t count
) except -1:
    """The bytes of the lines, from there on, that are kept now; 0 if they are no brief subscription.

    `size` is that of the first line. The control plane knows all that came on this connection before.
    """
    cdef Briefs briefs = plane.briefs
    cdef BriefLines lines
    cdef Brief brief
    cdef bytes subject, sid
    if inlet.brief is not None:
        inlet.brief.settle()
    if not briefs.allowed or not inlet.publishing or inlet.verbose or inlet.trace:
        return 0
    if size > inlet.bounds.line - 4 or not are_brief(line, size, count, &lines):
        return 0
    subject = PyBytes_FromStringAndSize(line + 4, lines.subject_size)
    sid = PyBytes_FromStringAndSize(line + lines.sid, lines.sid_size)
    if len(briefs.known) >= MOST_BRIEF or subject in briefs.known or sid in inlet.control.by_sid:
        return 0
    brief = Brief.__new__(Brief)
    brief.briefs = briefs
    brief.inlet = inlet
    brief.subject = subject
    brief.sid = sid
    brief.target = Target.__new__(Target, inlet.outbox, sid, brief)
    brief.target.limit = 1
    brief.since = plane.now
    briefs.known[subject] = brief
    inlet.brief = brief
    plane.plans.generation += 1  # what is remembered for the subject is looked up again
    return size + lines.sid_size + _UNSUB_BYTES - 4


cdef bint are_brief(const char *line, Py_ssize_t size, Py_ssize_t count, BriefLines *lines) noexcept nogil:
    """Whether a SUB to a literal subject is followed by its UNSUB after one message, and that by a PUB.

    It has to be written as programs do, with one blank between words.
    """
    cdef Py_ssize_t at = 4
    cdef unsigned char letter, before = c'.'
    if size > _LONGEST_BRIEF or size < 9 or memcmp(line, b"SUB ", 4) != 0:
        return False
    while line[at] != c' ':
        letter = line[at]
        if letter < c' ' or letter == c'*' or letter == c'>' or (letter == c'.' and before == c'.'):
            return False
        before = letter
        at += 1
    if before == c'.':
        return False
    lines.subject_size = at - 4
    at += 1
    lines.sid = at
    while <unsigned char>line[at] > c' ':
        at += 1
    lines.sid_size = at - lines.sid
    if lines.sid_size == 0 or at != size - 2 or line[at] != c'\r':
        return False
    if count < size + lines.sid_size + _UNSUB_BYTES:
        return False
    line += size
    if memcmp(line, b"UNSUB ", 6) != 0 or memcmp(line + 6, line + lines.sid - size, lines.sid_size) != 0:
        return False
    return memcmp(line + 6 + lines.sid_size, b" 1\r\nPUB ", 8) == 0
