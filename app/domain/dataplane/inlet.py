"""What one connection sends, in the plain twin: its rest, its mode and its counters."""

from . import seam
from .constants import OWN_BYTES
from .message import Bounds, Message
from .outbox import Outbox
from .own import own
from .plan import Plan, Target
from .seam import Control, Kind, Search
from .unheard import AnswerPlace


class Inlet:
    """See `seam.Inlet`.

    ``need`` is how many bytes the incomplete message takes in all, as soon as
    its line is known; it is judged one byte earlier, when the CR can be judged.
    The rest is kept in ``rest`` while it is small, else in ``own``, of which the
    first ``filled`` bytes are in use.
    """

    __slots__ = (
        "audience",
        "before",
        "bounds",
        "briefs",
        "closed",
        "control",
        "echo",
        "filled",
        "guarded",
        "headers",
        "in_bytes",
        "in_msgs",
        "kind",
        "last",
        "last_publish",
        "latest",
        "need",
        "no_responders",
        "outbox",
        "own",
        "place",
        "plan",
        "planned_for",
        "publishing",
        "refused",
        "rest",
        "search",
        "stopped",
        "trace",
        "traces",
        "verbose",
    )

    def __init__(self, control: Control, outbox: Outbox, kind: Kind, bounds: Bounds) -> None:
        self.control = control
        self.outbox = outbox
        self.kind = kind
        self.bounds = bounds
        self.rest = b""
        self.own: bytearray | None = None
        self.filled = 0
        self.need = 0
        self.in_msgs = 0
        self.in_bytes = 0
        self.last_publish = 0.0
        self.verbose = False
        self.publishing = False
        self.headers = False
        self.echo = True
        self.no_responders = False
        self.audience = 0
        self.closed = False
        self.trace = False
        self.traces = False
        self.stopped = False  # whether the ingest stops after the message at hand
        self.guarded = False
        self.briefs = False
        self.refused = False  # whether the incomplete message has been, already
        # The message before and its plan, for runs of the same subject or member.
        self.last: Message | None = None
        self.plan: Plan | None = None
        self.planned_for = (0, 0)
        # The latest plans that differ, to see whom else this publisher serves.
        self.latest: Plan | None = None
        self.before: Plan | None = None
        self.search: tuple[int, Search] | None = None
        """A decision for the message that the rest begins with, and the audience it is for."""
        self.place: AnswerPlace | None = None
        """Where requests to nobody are answered; None if that is not known."""

    def limit(self, bounds: Bounds) -> None:
        """Obey these bounds from now on; what was understood under others is forgotten."""
        self.bounds = bounds
        self.last = None
        self.plan = None

    def has_rest(self) -> bool:
        """See `seam.Inlet`."""
        return self.filled > 0 or bool(self.rest)

    def kept(self) -> bytes:
        """See `seam.Inlet`."""
        return bytes(memoryview(self.own)[: self.filled]) if self.own is not None else self.rest

    def put(self, data: bytes) -> None:
        """See `seam.Inlet`."""
        self.keep(data, 0)

    def note(self, plan: Plan) -> None:
        """Remember whom the latest messages were for."""
        if plan is not self.latest:
            self.before, self.latest = self.latest, plan

    def serves_another(self, besides: seam.Outbox, low: int) -> bool:
        """See `seam.Inlet`."""
        return any(plan.serves_another(besides, low) for plan in (self.latest, self.before) if plan)

    def answer_at(self, prefix: bytes, target: seam.Target) -> None:
        """See `seam.Inlet`."""
        self.place = AnswerPlace(prefix, own(Target, target))

    def report_unheard(self, message: Message) -> None:
        """A request reached nobody."""
        if self.place is None or not self.place.answer(self.outbox, message):
            self.control.no_responders(message.subject, message.reply)

    def keep(self, rest: bytes, need: int) -> None:
        """Let this be the rest, the beginning of a message that takes `need` bytes if that is known."""
        self.need = need
        if max(len(rest), need) > OWN_BYTES:
            self.rest = b""
            self.own = bytearray(max(len(rest), OWN_BYTES))
            self.own[: len(rest)] = rest
            self.filled = len(rest)
        else:
            self.rest = rest
            self.own = None
            self.filled = 0

    def room(self, own: bytearray) -> memoryview:
        """Where the next bytes go in `own`; if it is full, in one twice as large, or as the message needs."""
        if self.filled == len(own):
            size = 2 * len(own)
            if self.need > self.filled:
                size = min(size, self.need)
            own = self.own = own + bytearray(size - len(own))
        return memoryview(own)[self.filled :]
