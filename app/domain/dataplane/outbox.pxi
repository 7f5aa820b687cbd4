"""What waits to be sent to one connection, in the compiled twin."""

# Uses of framing: copy, head_of, start_size, write_head
# Uses of link_lines: put_line, trace_line
# Uses of message: Delivery, Message, stride_of
# Uses of native: DataPlane
# Uses of plan: Target

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport PyObject, Py_DECREF, Py_XDECREF
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from . import constants
from .unsent import KEPT_FROM as _KEPT_FROM, Unsent

cdef extern from "Python.h":
    """
    #include <stddef.h>
    /* As _PyBytes_Resize for an object that nobody else knows, but one that stays whole when it fails. */
    static int resize_bytes(PyObject **bytes, Py_ssize_t size) {
        PyObject *moved = (PyObject *)PyObject_Realloc(*bytes, offsetof(PyBytesObject, ob_sval) + 1 + size);
        if (moved == NULL) {
            return -1;
        }
        Py_SET_SIZE((PyVarObject *)moved, size);
        ((PyBytesObject *)moved)->ob_sval[size] = 0;
        *bytes = moved;
        return 0;
    }

    /* Give back what is after the first bytes; where that is refused, it is kept, out of sight. */
    static void shorten_bytes(PyObject **bytes, Py_ssize_t size) {
        if (resize_bytes(bytes, size) < 0) {
            Py_SET_SIZE((PyVarObject *)*bytes, size);
            ((PyBytesObject *)*bytes)->ob_sval[size] = 0;
        }
    }
    """
    int resize_bytes(PyObject **bytes, Py_ssize_t size) noexcept
    void shorten_bytes(PyObject **bytes, Py_ssize_t size) noexcept
    PyObject *PyBytes_FromStringAndSize_raw "PyBytes_FromStringAndSize" (char *v, Py_ssize_t len) except NULL
    char *PyBytes_AS_STRING_raw "PyBytes_AS_STRING" (PyObject *string)

cdef enum:
    _FIRST_CHUNK = 512
    _LARGEST_HINT = 512 * 1024

cdef Py_ssize_t REFERENCED_BYTES = constants.REFERENCED_BYTES
cdef int64_t KEPT_FROM = _KEPT_FROM


@cython.final
cdef class Outbox:
    """See `seam.Outbox`. ``chunk`` is a bytes object in the making, filled up to ``length``."""

    # What each delivery touches comes first and close together: a large fan-out waits for memory.
    cdef public bint closed
    cdef public bint trace
    cdef public bint headers
    cdef public bint leaf
    cdef public unsigned char naming
    cdef unsigned char dirty
    cdef unsigned char is_congested
    cdef int drawn  # see `deliver_lines`
    cdef public int64_t out_msgs
    cdef public int64_t out_bytes
    cdef public double last_delivery
    cdef DataPlane plane
    cdef PyObject *chunk
    cdef Py_ssize_t length
    cdef Py_ssize_t capacity
    cdef int64_t size
    cdef int64_t backlog
    cdef public int64_t alarm
    cdef readonly object owner
    cdef object wire
    cdef list sealed
    cdef object kept
    cdef Py_ssize_t hint
    cdef int64_t handed

    def __cinit__(self, DataPlane plane, wire, owner):
        self.plane = plane
        self.wire = wire
        self.owner = owner
        self.hint = _FIRST_CHUNK

    def __dealloc__(self):
        Py_XDECREF(self.chunk)

    def send(self, bytes data not None):
        if not self.closed:
            self.append(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
            self.touch(True)
            if self.is_congested and self.owner.pressed(own=True):
                self.plane.held = True

    @property
    def congested(self):
        return self.is_congested != 0

    @congested.setter
    def congested(self, bint congested):
        self.plane.congested += congested - self.is_congested
        self.is_congested = congested

    cdef inline void count(self, Target target, int64_t size, Py_ssize_t messages) noexcept:
        """Messages of this size are delivered."""
        self.out_msgs += messages
        self.out_bytes += messages * size
        self.last_delivery = self.plane.now
        target.delivered += messages
        self.plane.out_msgs += messages
        self.plane.out_bytes += messages * size

    cdef inline int deliver(self, Target target, Delivery *delivery) except -1:
        """Queue a message."""
        cdef Py_ssize_t size
        if unlikely(self.leaf):
            put_line(self, target, delivery)
        elif unlikely(delivery.tail_size >= REFERENCED_BYTES):
            self.refer(target, delivery)
        else:
            size = PyBytes_GET_SIZE(target.middle) + delivery.common_size
            self.ensure(size)
            copy(self.put_head(target, delivery), delivery.tail, delivery.tail_size)
            self.advance(size)
        if unlikely(self.trace):
            self.trace_sent(target, delivery)
        return self.touch(False)

    cdef inline char *put_head(self, Target target, Delivery *delivery) noexcept:
        """Write what is before the tail at the tip, and return where it ends."""
        cdef const char *middle = PyBytes_AS_STRING(target.middle)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(target.middle)
        cdef char *out = self.tip()
        out[0] = c'H' if delivery.headed else c'L'  # written over, unless it is there to stay
        out = write_head(out + (delivery.headed or self.leaf), delivery.subject, delivery.subject_size, middle, size)
        if unlikely(delivery.prefix_size):
            memcpy(out, delivery.prefix, delivery.prefix_size)
            out += delivery.prefix_size
        return out

    cdef int refer(self, Target target, Delivery *delivery) except -1:
        """Queue a large message: its head copied, the rest an object that all receivers share."""
        cdef Py_ssize_t head = PyBytes_GET_SIZE(target.middle) + delivery.common_size - delivery.tail_size
        head += self.leaf and not delivery.headed
        cdef Py_ssize_t place
        if delivery.shared is NULL:
            delivery.shared = PyBytes_FromStringAndSize_raw(<char *>delivery.tail, delivery.tail_size)
        if self.sealed is None:
            self.sealed = []
        self.ensure(head)
        place = len(self.sealed)
        self.sealed += (None, <bytes>delivery.shared)  # the last step that may fail
        self.put_head(target, delivery)
        self.advance(head)
        self.sealed[place] = self.seal()
        self.size += delivery.tail_size
        return 0

    cdef inline int64_t room(self) noexcept:
        """How many bytes more need no decision of the owner."""
        return self.alarm - self.backlog - self.size

    cdef int put_run(self, Target target, Message *message, Py_ssize_t repeats) except -1:
        """Queue messages that have the same line, without a question to the owner."""
        cdef const char *tail = message.line + message.tail
        cdef Py_ssize_t stride = stride_of(message)
        cdef Py_ssize_t tail_size = stride - message.tail
        cdef const char *middle = PyBytes_AS_STRING(target.middle)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(target.middle)
        cdef bint headed = message.header != 0 or self.leaf
        cdef Py_ssize_t head = headed + start_size(message.subject_size) + size
        cdef Py_ssize_t total = repeats * (head + tail_size)
        cdef const char *first
        cdef char *out
        self.ensure(total)
        out = self.tip()
        first = out
        out[0] = c'H' if message.header else c'L'  # written over, unless it is there to stay
        write_head(out + headed, message.line + message.subject, message.subject_size, middle, size)
        copy(out + head, tail, tail_size)
        out += head + tail_size
        while repeats > 1:
            tail += stride
            copy(out, first, head)
            copy(out + head, tail, tail_size)
            out += head + tail_size
            repeats -= 1
        self.advance(total)
        return self.touch(False)

    cdef int trace_sent(self, Target target, Delivery *delivery) except -1:
        cdef bytes prefix = b""
        if self.leaf:
            return trace_line(self, target, delivery)
        if delivery.prefix_size:
            prefix = PyBytes_FromStringAndSize(delivery.prefix, delivery.prefix_size)
        cdef bytes head = (
            (b"H" if delivery.headed else b"")
            + head_of(delivery.subject, delivery.subject_size, target.middle)
            + prefix
            + PyBytes_FromStringAndSize(delivery.tail, delivery.tail_size - delivery.size - 2)
        )
        self.owner.sent(head[: head.index(b"\r")])
        return 0

    cdef int append(self, const char *data, Py_ssize_t count) except -1:
        if count:
            self.ensure(count)
            memcpy(self.tip(), data, count)
            self.advance(count)
        return 0

    cdef inline int touch(self, bint own) except -1:
        """Put it on the list of those to flush, and ask the owner if it is too full."""
        if unlikely(not self.dirty):
            self.plane.touched.append(self)
            self.dirty = True
        if unlikely(self.backlog + self.size > self.alarm):
            self.press(own)
        return 0

    cdef int press(self, bint own) except -1:
        """Ask the owner whether the publisher has to wait."""
        if self.owner.pressed(own=own):
            self.plane.held = True
        return 0

    # --- the chunk ------------------------------------------------------------

    cdef inline int ensure(self, Py_ssize_t count) except -1:
        """Let there be room for `count` bytes at the tip."""
        if self.capacity - self.length < count:
            self.make_room(count)
        return 0

    cdef inline char *tip(self) noexcept:
        """Where the next bytes go."""
        return PyBytes_AS_STRING_raw(self.chunk) + self.length

    cdef inline void advance(self, Py_ssize_t count) noexcept:
        """That number of bytes was written at the tip."""
        self.length += count
        self.size += count

    cdef int make_room(self, Py_ssize_t count) except -1:
        """Let the chunk have room for `count` more bytes."""
        cdef Py_ssize_t wanted
        if self.chunk is NULL:
            wanted = max(self.hint, count)
            self.chunk = PyBytes_FromStringAndSize_raw(NULL, wanted)
        else:
            wanted = max(2 * self.capacity, self.length + count)
            if resize_bytes(&self.chunk, wanted) < 0:
                raise MemoryError
        self.capacity = wanted
        return 0

    cdef bytes seal(self):
        """The chunk, which is not empty, as a finished object; the next one is begun later. It can't fail."""
        cdef PyObject *chunk = self.chunk
        if self.length < self.capacity:
            shorten_bytes(&chunk, self.length)
        self.chunk = NULL
        self.length = 0
        self.capacity = 0
        result = <bytes>chunk
        Py_DECREF(result)
        return result

    # --- to the wire ------------------------------------------------------------

    def flush(self):
        return self.hand_over_all()

    cdef int64_t hand_over_all(self) except -1:
        """See `seam.Outbox.flush`."""
        cdef int64_t size = self.size
        cdef object pieces = None
        self.dirty = False
        if size:
            pieces = self.hand_over()
        self.backlog = self.wire.pending()
        if unlikely(self.kept is not None or self.is_much()):
            self.keep(pieces, size)
        return size

    cdef object hand_over(self):
        """Give it to the wire, and return it."""
        cdef list sealed = self.sealed
        cdef bytes chunk
        if sealed is not None and self.length:
            sealed.append(None)
        self.handed += self.size
        self.hint = min(max(self.length + (self.length >> 3), _FIRST_CHUNK), _LARGEST_HINT)
        self.size = 0
        if sealed is None:
            chunk = self.seal()
            self.wire.write(chunk)
            return chunk
        self.sealed = None
        if self.length:
            sealed[len(sealed) - 1] = self.seal()
        self.wire.writelines(sealed)
        return sealed

    cdef int withdraw(self, Py_ssize_t size) noexcept:
        """See `outbox.Outbox`; the bytes stay where they are. All is in the chunk."""
        self.handed += size
        self.length, self.size, self.dirty = 0, 0, False
        return 0

    cdef int put_back(self, Py_ssize_t size) except -1:
        """The same bytes are to be flushed: nothing was written over them."""
        self.handed -= size
        self.advance(size)
        self.plane.touched.append(self)
        self.dirty = True
        return 0

    cdef inline bint is_much(self) noexcept:
        return self.backlog > KEPT_FROM or self.backlog > self.alarm >> 2

    cdef int keep(self, object pieces, int64_t size) except -1:
        """See `outbox.Outbox`."""
        if not self.is_much():
            self.kept = None
            return 0
        if self.kept is None:
            self.kept = Unsent()
        if size:
            self.kept.add(pieces, size, self.handed)
        self.kept.passed(self.handed - self.backlog)
        return 0

    def pending(self):
        self.backlog = self.wire.pending()
        if unlikely(self.kept is not None):
            self.keep(None, 0)
        return self.backlog + self.size

    def unsent(self):
        return [] if self.kept is None else self.kept.rest(self.passed())

    def passed(self):
        return self.handed - self.wire.pending()
