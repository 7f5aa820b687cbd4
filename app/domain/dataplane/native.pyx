# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: auto_pickle=False
"""The data plane, compiled. ``reference`` defines what it does; ``seam`` says what each part promises.

It scans where the transport wrote, makes no Python object per message, and calls the control plane only
where the reference does. Sizes are capped before they are read as numbers, and no byte beyond those
received is read. The parts, named as those of the plain twin, are included: all is one unit for the
compiler, which draws them together again where messages pass.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM
from cpython.ref cimport PyObject, Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memchr, memcpy

import math
from . import constants, seam
from ..limits import route_line, route_payload

include "subject.pxi"
include "changes.pxi"
include "draw.pxi"
include "message.pxi"
include "line_memo.pxi"
include "framing.pxi"
include "outbox.pxi"
include "plan.pxi"
include "partial_delivery.pxi"
include "flushing.pxi"
include "unheard.pxi"
include "inlet.pxi"
include "trace_mark.pxi"
include "leaf_line.pxi"
include "link_lines.pxi"
include "narrowing.pxi"
include "table.pxi"
include "plan_cache.pxi"
include "plan_lookup.pxi"
include "brief.pxi"
include "direct.pxi"
include "incoming_run.pxi"
include "run_answers.pxi"
include "stored_answer.pxi"
include "lone.pxi"
include "delivery_run.pxi"
include "ack_run.pxi"

cdef Py_ssize_t RECEIVE_BYTES = constants.RECEIVE_BYTES
cdef int64_t TURN_WORK = constants.TURN_WORK
cdef int64_t CHECK_WORK = constants.CHECK_WORK
cdef Py_ssize_t RECEIVERS_PER_CHECK = constants.RECEIVERS_PER_CHECK

cdef bytes _OK = b"+OK\r\n"

@cython.final
@cython.no_gc_clear  # its parts are never None; what forms circles with it can be cleared instead
cdef class DataPlane:
    """See `seam.Plane`."""

    compiled = True

    cdef PlanLookup lookup
    cdef Plan no_reply
    cdef PlanCache plans
    cdef readonly Briefs briefs
    cdef Draw draw
    cdef bytearray buffer
    cdef char *start  # of the buffer
    cdef object view
    cdef list touched
    cdef Flushing flushing
    cdef list partial  # deliveries that are interrupted
    cdef bint interrupted  # whether a message was, since the flush before
    cdef public object clock
    cdef public double until
    cdef bint held
    cdef Py_ssize_t congested  # outboxes that are marked so
    cdef int64_t max_payload
    cdef Py_ssize_t max_line
    cdef public int64_t in_msgs
    cdef public int64_t in_bytes
    cdef public int64_t out_msgs
    cdef public int64_t out_bytes
    cdef public double now
    cdef public object patient
    cdef public Outbox server
    cdef public dict lone
    cdef Memos *memos  # lines that came before
    cdef int64_t scans  # so far; one within another may replace lines

    def __cinit__(self, planner, seed, max_payload, max_control_line):
        self.lookup = PlanLookup(planner, seed)
        self.no_reply = Plan((), (), b"", True)
        self.plans = self.lookup.plans
        self.briefs = self.lookup.briefs = Briefs()
        self.draw = Draw(seed)
        self.buffer = bytearray(RECEIVE_BYTES)
        self.start = PyByteArray_AS_STRING(self.buffer)
        self.view = memoryview(self.buffer)
        self.touched = []
        self.flushing = Flushing()
        self.partial = []
        self.clock = float
        self.until = math.inf
        self.max_payload = max_payload
        self.max_line = max_control_line
        self.memos = memos_made()

    def __dealloc__(self):
        free(self.memos)

    def outbox(self, wire, owner): return Outbox(self, wire, owner)

    def inlet(self, control, outbox, kind=seam.Kind.CLIENT):
        cdef Inlet inlet = Inlet(control, outbox, seam.Kind(kind))
        self.limit(inlet)
        return inlet

    def set_limits(self, max_payload, max_control_line):
        self.max_payload = max_payload
        self.max_line = max_control_line
        forget_lines(self.memos)

    def limit(self, Inlet inlet not None):
        inlet.bounds.payload = route_payload(self.max_payload) if inlet.kind == ROUTE else self.max_payload
        inlet.bounds.line = self.max_line if inlet.kind == CLIENT else route_line(self.max_line)

    def target(self, outbox, sid, subscription): return Target(outbox, sid, subscription)
    def group(self, name=b""): return Group(name)

    def plan(self, plain, groups, refusal=b"", denied=False, hook=0):
        return Plan(plain, groups, refusal, denied, hook)

    def receivers(self, Plan plan not None, Outbox skip): return plan.receivers_but(self.draw, skip)

    def deliver_to(self, Target target not None, message): deliver_alone(target, message)

    def is_over(self): return self.clock() >= self.until

    cdef bint over(self) except -1:
        """See `is_over`."""
        cdef double now = self.clock()
        return now >= self.until

    # --- receiving ------------------------------------------------------------

    def reserve(self, Inlet inlet not None):
        cdef Py_ssize_t kept
        if inlet.own is not None:
            return inlet.room()
        if inlet.rest is None:
            return self.view
        kept = PyBytes_GET_SIZE(inlet.rest)
        memcpy(self.start, PyBytes_AS_STRING(inlet.rest), kept)
        return self.view[kept:]

    def ingest(self, Inlet inlet not None, Py_ssize_t count):
        cdef bytearray own = inlet.own
        cdef bytes rest = inlet.rest
        cdef const char *data
        cdef Py_ssize_t size
        self.held = False
        if inlet.closed:
            inlet.search = None
            inlet.keep(NULL, 0, 0)
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
            data = self.start
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
        inlet.keep(NULL, 0, 0)
        return self.scan(inlet, data, size)

    cdef object scan(self, Inlet inlet, const char *data, Py_ssize_t size):
        """Consume messages and lines; what is left over is kept in the inlet."""
        cdef Py_ssize_t position = 0, count, stride
        cdef int64_t work = TURN_WORK, check = TURN_WORK - CHECK_WORK
        cdef const char *line
        cdef const char *end
        cdef Memo *memo = self.memos.places
        cdef Memo *copied = NULL  # whose message ours is
        cdef Message message
        cdef Plan plan
        cdef int fault
        cdef int64_t scans = self.scans + 1
        self.lookup.slow = False
        self.scans = scans
        while position < size:
            if inlet.closed:
                return STOPPED
            line = data + position
            count = size - position
            if self.held or work <= 0:
                inlet.keep(line, count, 0)
                return HELD if self.held else TURN
            if inlet.publishing and is_known(memo, inlet.kind, inlet.headers, line, count):
                if memo is not copied or scans != self.scans:
                    recall(memo, line, &message)
                copied = memo
                message.line = line
            else:
                copied = NULL
                end = <const char *>memchr(line, c'\n', count)
                if end is NULL:
                    return self.await_line(inlet, line, count)
                message.line = line
                message.line_size = end - line + 1
                memo = memo_for(self.memos, line, message.line_size)
                if inlet.publishing and is_known(memo, inlet.kind, inlet.headers, line, message.line_size):
                    recall(memo, line, &message)
                elif not inlet.publishing or not is_served(&message, inlet.kind, inlet.headers):
                    stride = take_brief(self, inlet, line, message.line_size, count) if inlet.briefs else 0
                    position += stride or message.line_size
                    if stride:
                        continue
                    if not inlet.control.line(PyBytes_FromStringAndSize(line, message.line_size - 1)):
                        if not inlet.closed:
                            inlet.keep(data + position, size - position, 0)
                        return STOPPED
                    if self.over():
                        work = 0
                    continue
                else:
                    fault = understand_of(inlet.kind, &message, &inlet.bounds)
                    if fault != _SOUND:
                        return self.report(inlet, &message, count, fault)
                    memorize(self.memos, memo, inlet.kind, &message)
            plan = self.lookup.plan_of(self, inlet, &message, memo)
            if plan is None:
                inlet.keep(line, count, 0)
                return TURN
            if unlikely(inlet.kind == LEAF) and PyTuple_GET_SIZE(plan.groups):
                plan = narrowed(plan, &message)
            if inlet.guarded and not plan.denied:
                plan = self.guard(&message, plan)
            if plan.refused and not inlet.refused:
                self.lookup.slow = True
                inlet.refuse(plan, &message, plan is self.no_reply)
            fault = judge_end(&message, count)
            if fault == _INCOMPLETE:
                inlet.keep(line, count, stride_of(&message))
                return DONE
            if fault != _SOUND:
                return self.report(inlet, &message, count, fault)
            if self.congested and plan.must_wait():
                if not inlet.closed:
                    inlet.keep(line, count, 0)
                return HELD
            if self.patient is not None and plan.fanout() == 0 and not plan.refused and not plan.hook:
                others_wait, self.patient = self.patient, None
                if others_wait():
                    inlet.keep(line, count, 0)
                    return LATER
            if unlikely(plan.hook):
                position += stride_of(&message)
                self.count_in(inlet, &message, 1)
                hand_message(self, inlet, &message, plan, inlet.trace)
            else:
                position += self.publish(inlet, &message, plan, count, &work)
            if self.lookup.slow or work <= check:
                self.lookup.slow = False
                check = work - CHECK_WORK
                if inlet.stopped:
                    return inlet.stop(data + position, size - position)
                if self.over():
                    work = 0
        return HELD if self.held else DONE

    cdef inline Plan guard(self, Message *message, Plan plan):
        """The plan, or one that denies what belongs to servers."""
        if is_reserved_subject(message):
            return Plan((), (), plan.refusal, True)
        if message.reply_size and is_reserved_reply(message):
            return self.no_reply
        return plan

    cdef object await_line(self, Inlet inlet, const char *rest, Py_ssize_t count):
        """Keep the beginning of a line, unless it is refused."""
        if not inlet.control.partial(PyBytes_FromStringAndSize(rest, count)):
            return STOPPED
        inlet.keep(rest, count, 0)
        return DONE

    cdef object report(self, Inlet inlet, Message *message, Py_ssize_t count, int fault):
        """Say what is wrong with a message of which `count` bytes have come."""
        inlet.control.fault(fault, text_of(message, fault, count))
        return STOPPED

    # --- delivering -------------------------------------------------------------

    cdef inline Py_ssize_t publish(
        self, Inlet inlet, Message *message, Plan plan, Py_ssize_t count, int64_t *work
    ) except -1:
        """Execute the plan for the message that begins there, and for more like it that follow.

        Returns the size of what it published, and takes the work that was from `work`.
        """
        cdef Py_ssize_t repeats
        if plan.runs and is_repeated(message, count) and inlet.may_run(plan):
            repeats = self.publish_run(inlet, message, plan, count, work[0])
            if repeats:
                work[0] -= repeats * plan.effort(stride_of(message) - message.tail)
                return repeats * stride_of(message)
        work[0] -= self.publish_one(inlet, message, plan)
        if self.interrupted:
            work[0] = 0
        return stride_of(message)

    cdef int64_t publish_one(self, Inlet inlet, Message *message, Plan plan) except -1:
        """Execute the plan for one message, as far as there is time; return the work it was."""
        cdef Delivery delivery, stripped
        cdef Py_ssize_t position = 0
        cdef bytes prefix = None
        cdef void *skip = NULL if inlet.echo else <void *>inlet.outbox
        cdef int64_t before = self.out_msgs
        self.count_in(inlet, message, 1)
        if inlet.trace:
            inlet.trace_message(message)
        if not message.tail:
            prefix = canonical(message)
        arrange(&delivery, message, prefix)
        if delivery.headed:
            give_room(&delivery, &stripped)
            if inlet.traces and asks_in(message):
                hand_message(self, inlet, message, plan, False)
                position, before = plan.fanout(), -1
        if inlet.verbose and not plan.denied and before >= 0:
            inlet.outbox.send(_OK)
        try:
            self.deliver_from(plan, &delivery, &position, skip)
            if position < plan.fanout():
                self.interrupt(inlet, message, plan, position, before)
        finally:
            finish_delivery(&delivery)
        if inlet.no_responders and self.out_msgs == before and position >= plan.fanout():
            if inlet.wants_answer(message, plan):
                self.lookup.slow = True
                inlet.report_unheard(message)
        return plan.effort(delivery.prefix_size + delivery.tail_size)

    cdef int deliver_from(self, Plan plan, Delivery *delivery, Py_ssize_t *position, void *skip) except -1:
        """Deliver to the receivers from that one on, until the turn is over; move on to the first one left.

        `skip` is the publisher's outbox, borrowed, if it gets none of its own messages; else NULL.
        """
        cdef Py_ssize_t fanout = plan.fanout(), stop
        if fanout == 1 and position[0] == 0 and not plan.mixed:
            position[0] = 1
            return self.deliver_to_one(plan, delivery, skip)
        while position[0] < fanout:
            stop = min(position[0] + RECEIVERS_PER_CHECK, fanout)
            plan.deliver(delivery, position[0], stop, self.draw, skip)
            position[0] = stop
            if stop < fanout and self.over():
                break
        return 0

    cdef inline int deliver_to_one(self, Plan plan, Delivery *delivery, void *skip) except -1:
        """The same for a plan with one receiver, which is not at the end of a leaf link with others."""
        cdef Target target
        if PyTuple_GET_SIZE(plan.plain):
            target = <Target>PyTuple_GET_ITEM(plan.plain, 0)
        else:
            target = pick(<tuple>PyTuple_GET_ITEM(plan.groups, 0), self.draw, skip)
        return 0 if target is None or <void *>target.outbox == skip else target.deliver(delivery)

    cdef int interrupt(
        self, Inlet inlet, Message *message, Plan plan, Py_ssize_t position, int64_t before
    ) except -1:
        """Keep the message for the receivers from that one on; `before` is what `out_msgs` was."""
        cdef PartialDelivery partial = partial_delivery_of(message, plan, position)
        if not inlet.echo:
            partial.skip = inlet.outbox
        if inlet.no_responders and self.out_msgs == before and inlet.wants_answer(message, plan):
            partial.asker = inlet
        self.partial.append(partial)
        self.interrupted = True
        return 0

    def deliver(self, bytes to not None, subject, reply=b"", headers=b"", payload=b""):
        return deliver_directly(self, to, (subject, reply, headers, payload))

    def reach(self, bytes to not None): return reach_directly(self, to)
    def deliver_run(self, bytes to not None, run, acks, room): return deliver_run_directly(self, to, run, acks, room)
    def receivers_of(self, bytes to not None): return receivers_directly(self, to)
    def read_acks(self, bytes data not None, position): return read_acks_at(data, position)
    def read_one(self, bytes data not None): return message_alone(data)
    def read_run(self, bytes data not None, start, most, named=True): return run_from(data, start, most, named)
    def answer(self, bytes reply not None, bytes head not None, number): return answered(self, reply, head, number)
    def answer_stored(self, bytes reply not None, bytes begin not None, message):
        return answered_stored(self, reply, begin, message)

    def deliver_answers(self, run, start, first, bytes head not None): return answer_run(self, run, start, first, head)

    cdef Py_ssize_t publish_run(
        self, Inlet inlet, Message *message, Plan plan, Py_ssize_t count, int64_t work
    ) except -1:
        """Publish the messages from here on whose line is the same, all at once; see `reference`.

        What a receiver gets is written in one go, so its outbox is touched once, not
        once per message. Returns how many messages they were; 0 to go one by one.
        """
        cdef Py_ssize_t tail_size = stride_of(message) - message.tail, repeats, i
        cdef int64_t most, effort
        cdef bint heard = not (inlet.no_responders and inlet.wants_answer(message, plan))
        cdef Target target
        if tail_size >= REFERENCED_BYTES:
            return 0
        effort = plan.effort(tail_size)
        most = (work + effort - 1) // effort
        for i in range(PyTuple_GET_SIZE(plan.plain)):
            target = <Target>PyTuple_GET_ITEM(plan.plain, i)
            most = target.bears((message.header != 0) + start_size(message.subject_size) + tail_size, most)
            if message.header and target.outbox is not None and not target.outbox.headers:
                return 0
            heard |= target.is_open()
        repeats = run_before_trace(inlet, message, count, most) if most >= 1 and heard else 0
        if not repeats:
            return 0
        self.count_in(inlet, message, repeats)
        for i in range(PyTuple_GET_SIZE(plan.plain)):
            target = <Target>PyTuple_GET_ITEM(plan.plain, i)
            if target.is_open():
                target.outbox.count(target, message.size, repeats)
                target.outbox.put_run(target, message, repeats)
        return repeats

    cdef inline void count_in(self, Inlet inlet, Message *message, Py_ssize_t count) noexcept:
        inlet.refused = False
        inlet.in_msgs += count
        inlet.in_bytes += count * message.size
        inlet.last_publish = self.now
        self.in_msgs += count
        self.in_bytes += count * message.size

    def flush(self):
        cdef list touched = self.touched
        cdef bint interrupted = self.interrupted
        self.interrupted = False
        if not touched:
            return interrupted
        self.touched = []
        try:
            return self.flushing.hand_over(touched, self.clock) or interrupted
        except Exception:
            touched += self.touched
            self.touched = touched  # those that are empty by now do no harm
            raise

    def finish(self):
        if self.lone is not None and not self.held:
            serve_lone(self)
        return self.flush()

    def flush_rest(self): return flush_what_was_left(self)

    # --- plans --------------------------------------------------------------------

    @property
    def plan_hits(self): return self.plans.hits

    def plan_figures(self): return self.plans.figures()

    def longest_run(self): return self.plans.table.longest_run()  # taken slots in a row; for tests

    def changed(self, bytes subject not None): self.plans.changed(subject)

    def forget_member(self, bytes sid not None): self.plans.forget_member(sid)

    def forget_plans(self): self.plans.forget_all()
