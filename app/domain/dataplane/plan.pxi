"""Who gets a message, in the compiled twin: places to deliver to, and plans that name them."""

# Uses of brief: Brief
# Uses of draw: Draw
# Uses of framing: middle_of
# Uses of link_lines: deliver_lines, is_lost, name_of
# Uses of message: Delivery, without_header
# Uses of outbox: Outbox

cimport cython
from cpython.bytes cimport PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.ref cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int64_t

from . import constants, reach, seam
from .joining import joined as join_targets

cdef int64_t DELIVERY_WORK = constants.DELIVERY_WORK
cdef Py_ssize_t MOST_CANDIDATES = constants.MOST_CANDIDATES
cdef Py_ssize_t LONGEST_RUN_FANOUT = constants.LONGEST_RUN_FANOUT

cdef int NAMES_MEMBERS = reach.Naming.MEMBERS
cdef int NAMES_ALL = reach.Naming.ALL
cdef bytes PLAIN_MARK = constants.PLAIN_MARK

cdef enum:
    # About what these take in memory, in bytes; see `plan`.
    _PLAN_BYTES = 200
    _SLOT_BYTES = 8
    _GROUP_BYTES = 64
    _TARGET_BYTES = 150
    _CHARGED_TARGETS = 16
    _NOWHERE = -1  # the place of a target that is in no group


@cython.final
cdef class Target:
    """See `seam.Target`. ``middle`` is what is between subject and rest in MSG."""

    cdef readonly Outbox outbox
    cdef bytes middle
    cdef readonly object subscription
    cdef public int64_t delivered
    cdef public int64_t limit
    cdef Py_ssize_t place  # in its group
    cdef Target named  # see `direct`

    def __cinit__(self, Outbox outbox not None, bytes sid not None, subscription):
        self.outbox = outbox
        self.place = _NOWHERE
        self.middle = middle_of(sid) if sid or not outbox.leaf else b" "
        self.subscription = subscription

    def retire(self):
        # Plans that are never used again may know the target for long, so it lets go of all else.
        self.outbox = None
        self.subscription = None
        self.named = None

    @property
    def sid(self):
        """What the receiver calls the subscription."""
        return name_of(self)

    cdef Target direct(self):
        """The same place for a message that its server does not find by its subject."""
        cdef bytes sid
        if self.outbox is None or self.outbox.naming != NAMES_ALL:
            return self
        if self.named is None:
            sid = self.middle.strip(b" ")
            self.named = Target(self.outbox, b"Q" + sid if sid.startswith(PLAIN_MARK) else sid, None)
        return self.named

    cdef inline int deliver(self, Delivery *delivery) except -1:
        """Queue a message, unless the connection is closed."""
        cdef Outbox outbox = self.outbox
        if outbox is None or outbox.closed:
            return 0
        if unlikely(delivery.message.shown_size) and not outbox.leaf:
            if is_lost(outbox):
                return 0
            if outbox.naming == NAMES_ALL:
                return self.deliver_direct(delivery)
        if unlikely(delivery.headed) and not outbox.headers:
            delivery = without_header(delivery)
        outbox.count(self, delivery.size, 1)
        outbox.deliver(self, delivery)
        if unlikely(self.delivered == self.limit):
            self.expire()
        return 0

    cdef int deliver_direct(self, Delivery *delivery) except -1:
        """Queue a message for a server that finds it by its sid."""
        cdef Target named = self.direct()
        if unlikely(delivery.headed) and not self.outbox.headers:
            delivery = without_header(delivery)
        self.outbox.count(self, delivery.size, 1)
        return self.outbox.deliver(named, delivery)

    cdef int expire(self) except -1:
        """That was the last message. Asked again: the delivery may have been the end of a slow consumer."""
        if isinstance(self.subscription, Brief):
            return (<Brief>self.subscription).end()
        if self.subscription is not None:
            self.subscription.expired()
        return 0

    cdef inline bint is_open(self) noexcept:
        """Whether the receiver takes messages."""
        return self.outbox is not None and not self.outbox.closed

    cdef inline bint ready(self) noexcept:
        """Whether it does, and nobody has to wait for it."""
        return self.is_open() and not self.outbox.is_congested

    cdef int64_t pending(self) except -1:
        return self.outbox.pending() if self.outbox is not None else 0

    def under(self, bytes sid not None):
        return Target(self.outbox, sid, self.subscription)

    cdef inline int64_t bears(self, Py_ssize_t size, int64_t most) noexcept:
        """How many messages, at most `most`, it takes without a decision; `size` is without `middle`."""
        cdef Outbox outbox = self.outbox
        if outbox is None:
            return most
        if self.limit or outbox.trace or (outbox.leaf and PyBytes_GET_SIZE(self.middle) > 1):
            return 0
        return min(most, outbox.room() // (size + PyBytes_GET_SIZE(self.middle) + outbox.leaf))


@cython.final
@cython.no_gc_clear  # its list is taken for granted, and can be cleared instead
cdef class Group:
    """See `seam.Group`."""

    cdef list members
    cdef bytes name
    cdef bint lines  # whether its members are at the ends of leaf links, see `plan.Group`
    cdef public Py_ssize_t weight
    cdef public bint far

    def __cinit__(self, bytes name not None):
        self.members = []
        self.name = name
        self.weight = 1

    cdef inline Py_ssize_t extent(self) noexcept:
        """How many numbers of the draw are for its members."""
        return self.weight * PyList_GET_SIZE(self.members)

    def __len__(self):
        return PyList_GET_SIZE(self.members)

    def add(self, Target target not None):
        self.members.append(target)
        target.place = PyList_GET_SIZE(self.members) - 1
        self.lines = self.far or (target.outbox is not None and target.outbox.leaf)

    def remove(self, Target target not None):
        cdef Py_ssize_t place = target.place
        if 0 <= place < PyList_GET_SIZE(self.members):
            if PyList_GET_ITEM(self.members, place) == <PyObject *>target:
                self.take_out(place)

    def is_alive(self):
        cdef Py_ssize_t last
        cdef Target target
        while PyList_GET_SIZE(self.members):
            last = PyList_GET_SIZE(self.members) - 1
            target = <Target>PyList_GET_ITEM(self.members, last)
            if target.outbox is not None and not target.outbox.closed:
                return True
            self.take_out(last)
        return False

    cdef int take_out(self, Py_ssize_t place) except -1:
        """Take out the member there; the last one takes its place."""
        cdef Target last = self.members.pop()
        last.place = _NOWHERE
        if place < PyList_GET_SIZE(self.members):
            (<Target>self.members[place]).place = _NOWHERE
            self.members[place] = last
            last.place = place
        return 0


cdef inline Py_ssize_t size_of(tuple parts) noexcept:
    """The members of a queue group's parts together."""
    cdef Py_ssize_t total = 0, i
    for i in range(PyTuple_GET_SIZE(parts)):
        total += (<Group>PyTuple_GET_ITEM(parts, i)).extent()
    return total


cdef inline Group part_at(tuple parts, Py_ssize_t *place):
    """The part with the member at this place of all; let the place be that in the part."""
    cdef Py_ssize_t i = 0, size
    cdef Group part
    while True:
        part = <Group>PyTuple_GET_ITEM(parts, i)
        size = part.extent()
        if place[0] < size:
            place[0] %= PyList_GET_SIZE(part.members)
            return part
        place[0] -= size
        i += 1


@cython.final
cdef class Plan:
    """See `seam.Plan`, and `plan.Plan`. The tuples hold targets, and tuples of groups."""

    cdef tuple plain
    cdef tuple groups
    cdef bytes refusal
    cdef bint refused
    cdef readonly bint denied
    cdef readonly int hook  # see `seam.Hook`
    cdef Py_ssize_t links   # see `plan.Plan`
    cdef Py_ssize_t mixed
    cdef dict narrower      # see `narrowed`; None while there is none
    cdef bint runs  # whether messages in a row may be published at once
    cdef Py_ssize_t receivers
    cdef int64_t cost
    cdef int64_t uses
    cdef int64_t epoch

    def __cinit__(self, plain, groups, bytes refusal not None, bint denied=False, int hook=0):
        cdef Target target
        cdef Group part
        cdef tuple parts
        cdef set outboxes
        cdef bint at_links = False
        self.plain = tuple(plain)
        self.groups = tuple([tuple(group) for group in groups])
        self.receivers = len(self.plain) + len(self.groups)
        self.refusal = refusal
        self.denied = denied
        self.hook = hook
        self.refused = denied or len(refusal) > 0
        self.cost = _PLAN_BYTES + _TARGET_BYTES * min(len(self.plain), _CHARGED_TARGETS)
        self.cost += _SLOT_BYTES * self.fanout()
        for target in self.plain:  # the delivery trusts their type
            if target is None:
                raise TypeError("a plan is made of targets and groups")
        for parts in self.groups:
            self.cost += _GROUP_BYTES + _SLOT_BYTES * len(parts)
            for part in parts:
                if part is None:
                    raise TypeError("a plan is made of targets and groups")
                at_links |= part.lines
        if at_links:
            self.sort()
        if self.groups or self.refused or len(self.plain) > LONGEST_RUN_FANOUT:
            return
        # Subscriptions of one connection get their messages in turns, so they are no run.
        outboxes = set()
        for target in self.plain:
            outboxes.add(id(target.outbox))
        self.runs = len(outboxes) == len(self.plain)

    cdef int sort(self) except -1:
        """Let the receivers be in the order that lines with several queue groups need."""
        cdef Target target
        cdef Group part
        cdef tuple parts
        lines = set()
        for parts in self.groups:
            for part in parts:
                if part.lines:
                    lines.update([id((<Target>member).outbox) for member in part.members])
        here, there = [], []
        for target in self.plain:
            is_line = target.outbox is not None and (target.outbox.leaf or id(target.outbox) in lines)
            (there if is_line else here).append(target)
        self.links = len(there)
        self.plain = tuple(here + there)
        here, there = [], []
        for parts in self.groups:
            (there if any([(<Group>part).lines for part in parts]) else here).append(parts)
        self.mixed = len(there)
        self.groups = tuple(there + here)
        return 0

    cdef inline Py_ssize_t fanout(self) noexcept:
        """Plain targets plus queue groups."""
        return self.receivers

    cdef inline int64_t effort(self, int64_t size) noexcept:
        """The work of a message of which each receiver gets `size` bytes after the sid."""
        return DELIVERY_WORK + self.fanout() * (DELIVERY_WORK + size)

    cdef inline int deliver(
        self, Delivery *delivery, Py_ssize_t start, Py_ssize_t stop, Draw draw, void *skip
    ) except -1:
        """Deliver to the receivers from `start` to `stop`; see `DataPlane.deliver_from`."""
        cdef Py_ssize_t plain = PyTuple_GET_SIZE(self.plain)
        if unlikely(self.mixed) and start == 0:
            deliver_lines(self, delivery, draw, skip)
        if start < plain:
            deliver_to_all(self.plain, delivery, start, min(stop, plain - self.links), skip)
        if stop > plain:
            deliver_to_groups(self.groups, delivery, max(start - plain, self.mixed), stop - plain, draw, skip)
        return 0

    cdef list receivers_but(self, Draw draw, Outbox skip):
        """See `seam.Plane.receivers`."""
        cdef Target target
        cdef tuple parts
        cdef list found = []
        for target in self.plain:
            if target.is_open() and target.outbox is not skip:
                found.append(target)
        for parts in self.groups:
            target = pick(parts, draw, NULL if skip is None else <void *>skip)
            if target is not None and target.is_open():
                found.append(target)
        return join_targets(found, Target) if self.mixed else found

    cdef bint must_wait(self) except -1:
        """Ask each congested receiver whether the publisher has to wait; see `seam.Outbox.congested`."""
        cdef bint waits = False
        cdef Py_ssize_t i
        cdef tuple parts
        for i in range(PyTuple_GET_SIZE(self.plain)):
            waits |= asks_to_wait(<Target>PyTuple_GET_ITEM(self.plain, i))
        for i in range(PyTuple_GET_SIZE(self.groups)):
            parts = <tuple>PyTuple_GET_ITEM(self.groups, i)
            if size_of(parts) and all_congested(parts):
                waits |= asks_to_wait(least_pending(parts))
        return waits

    cdef bint serves_another(self, Outbox besides, int64_t low) except -1:
        """See `seam.Inlet.serves_another`."""
        cdef Py_ssize_t left = MOST_CANDIDATES
        cdef Py_ssize_t i, k
        cdef tuple parts
        for i in range(min(left, PyTuple_GET_SIZE(self.plain))):
            left -= 1
            if is_starving(<Target>PyTuple_GET_ITEM(self.plain, i), besides, low):
                return True
        for k in range(PyTuple_GET_SIZE(self.groups)):
            parts = <tuple>PyTuple_GET_ITEM(self.groups, k)
            for i in range(min(left, drawn_size(parts))):
                left -= 1
                if is_starving(member_at(parts, i), besides, low):
                    return True
        return False


cdef int deliver_to_all(
    tuple plain, Delivery *delivery, Py_ssize_t start, Py_ssize_t stop, void *skip
) except -1:
    cdef Target target
    cdef Py_ssize_t i
    for i in range(start, stop):
        target = <Target>PyTuple_GET_ITEM(plain, i)
        if <void *>target.outbox != skip:
            target.deliver(delivery)
    return 0


cdef int deliver_to_groups(
    tuple groups, Delivery *delivery, Py_ssize_t start, Py_ssize_t stop, Draw draw, void *skip
) except -1:
    cdef Target target
    cdef Py_ssize_t i
    for i in range(start, stop):
        target = pick(<tuple>PyTuple_GET_ITEM(groups, i), draw, skip)
        if target is not None:
            target.deliver(delivery)
    return 0


cdef bint is_starving(Target target, Outbox besides, int64_t low) except -1:
    cdef Outbox outbox = target.outbox
    if outbox is None or outbox is besides or outbox.closed:
        return False
    return outbox.pending() <= low and outbox.owner.untaken() <= low


cdef bint asks_to_wait(Target target) except -1:
    cdef Outbox outbox = target.outbox
    return outbox is not None and outbox.is_congested and outbox.owner.pressed()


cdef inline Target member_at(tuple parts, Py_ssize_t number):
    """The member with this number among those of all parts."""
    cdef Group part = part_at(parts, &number)
    return <Target>PyList_GET_ITEM(part.members, number)


cdef inline Py_ssize_t near_size(tuple parts) noexcept:
    """The numbers of those that are drawn from first: parts that are not `far` come before the others."""
    cdef Py_ssize_t total = 0, i
    cdef Group part
    for i in range(PyTuple_GET_SIZE(parts)):
        part = <Group>PyTuple_GET_ITEM(parts, i)
        if part.far:
            break
        total += part.extent()
    return total


cdef inline Target pick(tuple parts, Draw draw, void *skip):
    """See `plan.pick`. Of a single part, where its first draw will do, without the search and references."""
    cdef Group part
    cdef PyObject *drawn
    cdef Py_ssize_t number = -1, size
    if PyTuple_GET_SIZE(parts) == 1:
        part = <Group>PyTuple_GET_ITEM(parts, 0)
        size = PyList_GET_SIZE(part.members)
        if size:
            number = draw.below(part.extent())
            drawn = PyList_GET_ITEM(part.members, number if part.weight == 1 else number % size)
            if (<Target>drawn).ready() and <void *>(<Target>drawn).outbox != skip:
                return <Target>drawn
    return pick_from(parts, draw, skip, number)


cdef Target pick_from(tuple parts, Draw draw, void *skip, Py_ssize_t number):
    """The same, where `number` may be drawn already of the only part; else it is negative."""
    cdef Target drawn = pick_between(parts, draw, skip, False, number)
    return pick_between(parts, draw, skip, True, number) if drawn is None else drawn


cdef Target pick_between(tuple parts, Draw draw, void *skip, bint far, Py_ssize_t number):
    """Draw a member of the near parts, or of the `far` ones; see `pick_from`."""
    cdef Py_ssize_t low, high, first, place
    cdef Group part
    cdef Target drawn, member
    while True:
        low, high = 0, near_size(parts)
        if far:
            low, high = high, size_of(parts)
        if low == high:
            return None
        first = place = low + (draw.below(high - low) if number < 0 else number)
        number = -1
        part = part_at(parts, &place)
        drawn = <Target>PyList_GET_ITEM(part.members, place)
        if <void *>drawn.outbox == skip:
            return another(parts, first, low, high, skip)
        if drawn.ready():
            return drawn
        if drawn.outbox is None or drawn.outbox.closed:
            part.take_out(place)
            continue
        for number in range(first + 1, first + min(high - low, MOST_CANDIDATES)):
            member = member_at(parts, low + (number - low) % (high - low))
            if member.ready() and <void *>member.outbox != skip:
                return member
        return drawn


cdef Target another(tuple parts, Py_ssize_t first, Py_ssize_t low, Py_ssize_t high, void *skip):
    """The next member that is open and not to be skipped; None if there is none."""
    cdef Py_ssize_t number
    cdef Target member
    for number in range(first + 1, first + high - low):
        member = member_at(parts, low + (number - low) % (high - low))
        if member.outbox is not None and <void *>member.outbox != skip and not member.outbox.closed:
            return member
    return None


cdef inline Py_ssize_t drawn_size(tuple parts) noexcept:
    """How many of the first numbers are those that a member is drawn from."""
    cdef Py_ssize_t near = near_size(parts)
    return near if near else size_of(parts)


cdef bint all_congested(tuple parts) except -1:
    """Whether no member, as far as `pick` searches, can take a message now."""
    cdef Py_ssize_t i
    for i in range(min(drawn_size(parts), MOST_CANDIDATES)):
        if member_at(parts, i).ready():
            return False
    return True


cdef Target least_pending(tuple parts):
    """Of a group that is not empty."""
    cdef Py_ssize_t i
    cdef int64_t pending
    cdef Target best = member_at(parts, 0)
    cdef int64_t least = best.pending()
    cdef Target member
    for i in range(1, min(drawn_size(parts), MOST_CANDIDATES)):
        member = member_at(parts, i)
        pending = member.pending()
        if pending < least:
            best, least = member, pending
    return best
