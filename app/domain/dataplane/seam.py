"""The seam between the planes: what both data plane twins offer, and what they ask.

Data plane, per message      Control plane, per connection, subscription, subject
-----------------------      ----------------------------------------------------
scan, count, copy, draw      decide: sessions, subscriptions, permissions, limits
`Plane` `Inlet` `Outbox`     `Control` (a session)  `Owner` (a connection)
`Target` `Group` `Plan`      `Planner` (routing)    `Expiring` (a subscription)

A message comes from a client as ``PUB <subject> [reply] <size>``, and from a route also as ``MSG <subject>
<sid> [reply] <size>``. The subject says who gets it, unless the sid begins with `MEMBER_MARK`: then it is for
that one subscription, which the publisher's server has drawn. For leaf links see ``leaf_line``.

A twin is a module with a class ``DataPlane`` that makes the other objects. The control plane knows only
the protocols below. Every rule of behaviour is written down here or in ``reference.py``; ``native``
repeats it to the byte.

How a read goes: `Plane.reserve` says where the next bytes go, `Plane.ingest` scans them, `Plane.flush`
hands every touched outbox to its wire once, and `Plane.flush_rest` those for which there was no time.

How long a turn is: until `Plane.until` on `Plane.clock`, which both twins ask at the same points: after
every line for the control plane, every question to the planner and every refusal, and otherwise after each
`constants.CHECK_WORK` units of work. `constants.TURN_WORK` bounds a turn even if the clock does not move.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple, Protocol

from .brief import Briefs
from .reach import Direct
from .unheard import AnswersUnheard
from .unsent import KeepsUnsent


class Kind(IntEnum):
    """Who is at the other end of an inlet."""

    CLIENT = 0
    """Publishes by PUB."""
    ROUTE = 1
    """A peer server: publishes by PUB and MSG, within `limits.route_payload` and `limits.route_line`."""
    LEAF = 2
    """A server at the other end of a leaf link: publishes by LMSG and HMSG; see ``leaf_line``."""


class Hook(IntEnum):
    """Which hooks see a message before it goes on (ADR 0047)."""

    NONE = 0
    PUBLISH = 1
    """Those that decide whether it is published; its receivers are not known yet."""
    DELIVER = 2
    """Those that decide for each of the plan's receivers."""
    ANSWER = 3
    """None: the server itself answers it, before its receivers get it."""


class HookedMessage(NamedTuple):
    """A message that hooks have to see."""

    subject: bytes
    reply: bytes  # empty for none
    header: int  # bytes of the payload that are headers
    payload: bytes
    to: bytes = b""  # what its receivers subscribe to, if that is another subject


class Progress(IntEnum):
    """How an ingest ended."""

    DONE = 0
    """All is consumed, but for an incomplete message that is kept."""
    STOPPED = 1
    """The control plane said stop, or the connection was closed; the rest is kept."""
    HELD = 2
    """A message, or an answer, is for a congested receiver that is waited for; the rest is kept."""
    TURN = 3
    """The time of one turn is used up, or its work is done; the rest is kept."""
    LATER = 4
    """Nobody listens to a message, yet; it is kept, with the rest, since `Plane.patient` said so."""


class Fault(IntEnum):
    """What is wrong with a PUB or MSG. Its session refuses it, and the link ends."""

    ARGUMENTS = 0
    """Not two or three words; with MSG not three or four."""
    SIZE = 1
    """The size is no decimal number."""
    PAYLOAD = 2
    """The size is above the limit, or has more digits than any limit."""
    TERMINATOR = 3  # no CR LF after the payload
    LINE = 4  # longer than the limit of a control line


class Control(Protocol):
    """A session, asked by the data plane about what is not a plain message."""

    def line(self, line: bytes) -> bool:
        """Obey a complete line, without its LF. False stops the ingest after it."""
        ...

    def partial(self, rest: bytes) -> bool:
        """Judge the beginning of a line at the end of a read. False if it was refused."""
        ...

    def fault(self, fault: int, text: bytes) -> None:
        """Refuse a PUB or MSG; `text` is the word at fault, the argument, or the bytes in place of CR LF."""
        ...

    def denied(self, subject: bytes, reply: bytes) -> None:
        """Refuse a message on this subject that the peer may not publish.

        `reply` is not empty where its reply subject is the reason: see `Inlet.guarded`.
        """
        ...

    def traced(self, verb: bytes, argument: bytes, payload: bytes) -> None:
        """A message was received, while tracing; the verb is PUB, MSG, HPUB or HMSG, in capitals."""
        ...

    def no_responders(self, subject: bytes, reply: bytes) -> None:
        """A message with this reply subject reached nobody; see `Inlet.no_responders`, and ``unheard``."""
        ...

    def hooked(self, plan: "Plan", message: HookedMessage) -> bool:
        """Take over a message whose plan has a `Hook`, or that asks for a trace; it is counted.

        False stops the ingest after it.
        """
        ...


class Owner(Protocol):
    """A connection, asked by its outbox about what needs a decision."""

    def pressed(self, *, own: bool = False) -> bool:
        """Pending bytes passed `Outbox.alarm`, or the outbox is `Outbox.congested`.

        `own` says that the bytes are the server's, and no message of a publisher.
        True holds the current publisher.
        """
        ...

    def untaken(self) -> int:
        """Bytes that were passed on and that the peer has not taken, as far as is known."""
        ...

    def sent(self, head: bytes) -> None:
        """A message went into the outbox, while tracing; `head` is its line without CR LF."""
        ...

    def failed(self, error: Exception) -> None:
        """Its outbox could not be handed to its wire, for lack of memory or by a defect: end it."""
        ...


class Expiring(Protocol):
    """A subscription, notified when its target has had its last message."""

    def expired(self) -> None:
        """The target has had as many messages as its limit says."""
        ...


class Sender(Protocol):
    """The part of a wire that an outbox uses."""

    def write(self, data: bytes) -> None:
        """Send bytes, or keep them until they can be sent."""
        ...

    def writelines(self, chunks: list[bytes]) -> None:
        """The same for several pieces, in order."""
        ...

    def pending(self) -> int:
        """Bytes that are kept."""
        ...


class Outbox(KeepsUnsent, Protocol):
    """What waits to be sent to one connection."""

    owner: Owner
    out_msgs: int
    out_bytes: int  # payload bytes of messages delivered
    last_delivery: float  # when a message was last delivered, on the plane's clock; 0.0 for never
    alarm: int  # pending bytes above which the owner is asked, at each message
    closed: bool  # takes nothing any more
    headers: bool  # whether the receiver takes HMSG; otherwise it gets MSG, without the headers
    naming: int  # a `reach.Naming`
    leaf: bool
    """Whether it gets LMSG and HMSG; set before it has targets, whose sid is a queue group, or empty."""
    trace: bool
    congested: bool
    """Set by flow control: the owner is asked before each message, and after other bytes.

    Where the owner holds the publisher, the message is given to nobody, and kept. A queue
    group gives it to a member that is not congested; the owner is asked only if all are.
    """

    def send(self, data: bytes) -> None:
        """Queue bytes of the control plane, in order with the messages."""
        ...

    def flush(self) -> int:
        """Hand everything to the wire now; return how many bytes that was."""
        ...

    def pending(self) -> int:
        """Bytes not passed on by the wire yet, those not handed over included."""
        ...

    def passed(self) -> int:
        """Bytes the wire has passed on since the start; it grows while the receiver reads."""
        ...


class Inlet(AnswersUnheard, Protocol):
    """What one connection sends: its incomplete rest, its mode and its counters."""

    in_msgs: int
    in_bytes: int
    last_publish: float  # on the plane's clock; 0.0 for never
    verbose: bool  # answer each message with +OK; routes are never verbose
    publishing: bool  # whether messages are served; otherwise they are lines for the control plane
    headers: bool
    """Whether HPUB, and on routes HMSG, are messages; otherwise they are lines for the control plane."""
    echo: bool  # whether the peer's own subscriptions get its messages
    no_responders: bool
    """Whether `Control.no_responders` is called for messages with a reply subject that reach nobody."""
    audience: int  # which plans apply to subjects: publishers with equal rights share a number
    closed: bool  # discards everything from now on
    trace: bool
    traces: bool  # whether a message may ask to be traced: see `trace_mark`
    guarded: bool  # whether messages are denied that belong to servers: see ``reserved``
    briefs: bool  # whether brief subscriptions may be kept; then the `Control` has `by_sid`

    def has_rest(self) -> bool:
        """Whether unconsumed bytes are kept."""
        ...

    def kept(self) -> bytes:
        """A copy of the unconsumed bytes."""
        ...

    def put(self, data: bytes) -> None:
        """Have the next ingest consume this; only where nothing is kept."""
        ...

    def serves_another(self, besides: Outbox, low: int) -> bool:
        """Whether one of the latest messages' receivers, not `besides`, has at most `low` bytes left to read.

        Examines the two latest plans, and `MOST_CANDIDATES` receivers of each.
        """
        ...


class Target(Protocol):
    """A subscription as a place to deliver to."""

    delivered: int
    limit: int  # deliveries after which it expires; 0 for none

    @property
    def outbox(self) -> Outbox | None:
        """None once it is retired."""
        ...

    @property
    def subscription(self) -> Expiring | None:
        """None once it is retired."""
        ...

    def retire(self) -> None:
        """Take no more messages, and let go of the subscription."""
        ...

    def under(self, sid: bytes) -> "Target":
        """The same place under another sid, without a limit. Not to be asked of one that is retired."""
        ...


class Group(Protocol):
    """Members of a queue group: those of one server on one pattern.

    Plans refer to it, and see who comes and goes. Each member takes constant time.
    """

    weight: int  # how many members each one counts for in the draw
    far: bool  # whether they get only what no member of other parts gets; set before there is one

    def __len__(self) -> int: ...

    def add(self, target: Target) -> None:
        """Add a member; a target is in one group at most."""
        ...

    def remove(self, target: Target) -> None:
        """Take a member out; nothing happens if it is not in this group any more.

        The draw takes out members whose connection is closed.
        """
        ...

    def is_alive(self) -> bool:
        """Whether some member's connection is not closed."""
        ...


class Plan(Protocol):
    """Who gets a message. Made once per subject and audience, executed per message."""

    @property
    def hook(self) -> int:
        """See `Hook`."""
        ...

    @property
    def denied(self) -> bool:
        """See `Plane.plan`."""
        ...


NOT_KEPT = -1
"""In place of the number of tokens: the plan is for this one message."""

Decision = tuple[Plan, int]
"""A plan, and how many leading tokens of the subject decided.

It holds as well for every other subject that begins with these and has as many tokens, none of them
empty or a wildcard: one is enough for a million subjects under one wildcard. With `NOT_KEPT` it is for no
other message: subscriptions changed while it was sought.
"""


class Search(Protocol):
    """A decision that takes more than one turn."""

    def go_on(self) -> Decision | None:
        """Search on, at most until `Plane.is_over`; None if that was not enough."""
        ...


class Planner(Protocol):
    """The routing policy."""

    def plan(self, plane: "Plane", audience: int, subject: bytes) -> Decision | Search:
        """Decide for a subject that no plan is known for; make the plan with `plane`.

        When `Plane.is_over` says so first, a search is returned, for the next turn of the connection.
        """
        ...

    def member(self, plane: "Plane", sid: bytes) -> Plan | None:
        """The plan for the one queue member that a route's sid names; it delivers nothing if there is none.

        Asked once per sid, until `Plane.forget_member`. None where the subject matters too:
        then `plan_failover` is asked for each message, and no plan is remembered.
        """
        ...

    def plan_failover(self, plane: "Plane", sid: bytes, subject: bytes) -> Plan:
        """The plan for one message on this subject for a member that may have left.

        It may be asked for again before the message is complete.
        """
        ...


class PlanFigures(NamedTuple):
    """What the plan cache holds; plans of queue members do not count."""

    plans: int
    max_fanout: int  # of all plans: plain targets plus queue groups, not their members
    total_fanout: int
    size: int  # bytes, by the estimates that `PLAN_BUDGET` is compared with


class Plane(Direct, Protocol):
    """One data plane: the receive buffer, the plan cache and the totals of a broker."""

    compiled: bool  # whether it is the compiled twin, whose reads take microseconds
    in_msgs: int
    in_bytes: int
    out_msgs: int
    out_bytes: int
    now: float
    """Set by the caller of `ingest`; stamps what happens meanwhile."""
    patient: Callable[[], bool] | None
    """Set by the caller of `ingest`, which asks once whether it ends before the first message for nobody."""
    clock: Callable[[], float]
    """Seconds on a scale that never steps; set by the maker of the plane, and standing still before that."""
    server: Outbox | None  # of the server's own connection, if it has one: `deliver` gives it nothing
    briefs: Briefs
    until: float
    """When the turn is over, on `clock`; set by the caller of `ingest`. At first there is no end."""

    @property
    def plan_hits(self) -> int:
        """Look-ups of subjects that the plan cache answered."""
        ...

    def outbox(self, wire: Sender, owner: Owner) -> Outbox:
        """The outbox of a new connection."""
        ...

    def inlet(self, control: Control, outbox: Outbox, kind: Kind = Kind.CLIENT) -> Inlet:
        """The inlet of a new connection, with its outbox, which is one of this plane."""
        ...

    def set_limits(self, max_payload: int, max_control_line: int) -> None:
        """Let others hold for new inlets; `limit` is to follow for each that is there, before any ingest."""
        ...

    def limit(self, inlet: Inlet) -> None:
        """Have this inlet obey the limits that hold now; an incomplete message is judged again."""
        ...

    def target(self, outbox: Outbox, sid: bytes, subscription: Expiring) -> Target:
        """A place to deliver to; `outbox` is one of this plane."""
        ...

    def group(self, name: bytes = b"") -> Group:
        """A group without members; messages of leaf links find it by its name."""
        ...

    def plan(
        self,
        plain: Sequence[Target],
        groups: Sequence[Sequence[Group]],
        refusal: bytes = b"",
        *,
        denied: bool = False,
        hook: Hook = Hook.NONE,
    ) -> Plan:
        """A plan: all of `plain`, and for each of `groups` one member of all its parts together.

        `refusal`, if any, is what the publisher gets instead of a delivery. Where it is `denied`
        the message goes nowhere, `Control.denied` is called, and there is no +OK. With a `hook`
        the whole message goes to `Control.hooked`, and there is no +OK either.
        """
        ...

    def receivers(self, plan: Plan, skip: Outbox | None) -> Sequence[Target]:
        """Who gets one message by this plan, in order: members of groups are drawn.

        None whose connection is closed, or whose outbox is the one to `skip`.
        """
        ...

    def deliver_to(self, target: Target, message: HookedMessage) -> None:
        """Give one receiver a message. Raises `ValueError` for more headers than there is payload."""
        ...

    def is_over(self) -> bool:
        """Whether the time of this turn is used up."""
        ...

    def reserve(self, inlet: Inlet) -> memoryview:
        """Where the next bytes of this connection go; valid until its `ingest`."""
        ...

    def ingest(self, inlet: Inlet, count: int) -> Progress:
        """Consume `count` bytes put into the reserved room, after what was kept; with 0 go on with that."""
        ...

    def flush(self) -> bool:
        """Hand touched outboxes to their wires, for `FLUSH_SECONDS`, and about `FLUSH_BYTES` of them.

        True if some are left for `flush_rest`, or receivers of a message: it is interrupted at the end of
        a turn, after a multiple of `RECEIVERS_PER_CHECK` receivers. What is left goes after all that is
        touched later, so that a message for thousands of receivers delays no other.
        """
        ...

    def flush_rest(self) -> bool:
        """Go on for as long again with what was left; True if there is still some."""
        ...

    def changed(self, subject: bytes) -> None:
        """A subscription on this subject, a valid one, came or went: forget the plans it bears on."""
        ...

    def forget_member(self, sid: bytes) -> None:
        """A queue member that this sid of a route names came or went: forget the plan for it."""
        ...

    def forget_plans(self) -> None:
        """Forget all plans, for members too, and with them all receivers; the end of a broker calls it."""
        ...

    def plan_figures(self) -> PlanFigures:
        """What the plan cache holds."""
        ...


MakePlane = Callable[[Planner, int, int, int], Plane]
"""A twin's class: called with planner, seed, payload limit and control line limit."""
