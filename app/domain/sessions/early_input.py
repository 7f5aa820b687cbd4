"""Early input: bytes of a peer that has to wait, searched for PINGs if the wait is long."""

import re

from ..limits import Limits, route_line
from ..peer_kind import PeerKind
from ..protocol.commands import LINE_SLACK
from .flow import READ_AHEAD, READ_AHEAD_TOTAL, Flow
from .look_ahead import LookAhead

EARLY_BYTES = 4096
"""What is read in advance of a peer of which only the end is listened for."""

_PUBLISHES = re.compile(rb"(?:^|\n)h?pub[ \t]", re.IGNORECASE)
"""Input that matters to others, and so even when its sender has left."""

_CLIENT_VERBS = frozenset({b"PUB", b"HPUB"})
_SERVER_VERBS = frozenset({b"PUB", b"HPUB", b"MSG", b"HMSG", b"LMSG"})


class EarlyInput:
    """The bytes that wait, in order, and the PINGs among them that were answered out of order.

    All bytes of all connections count in `Flow.read_ahead`.
    """

    __slots__ = ("_answered", "_data", "_flow", "_look")

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._data: bytes | bytearray = b""
        self._look: LookAhead | None = None
        self._answered = 0

    def __len__(self) -> int:
        return len(self._data)

    def begun(self, flow: Flow) -> "EarlyInput":
        """This input, where more may be kept; it counts in `flow`."""
        del flow
        return self

    def is_idle(self, kept: bytes) -> bool:
        """Whether nothing of it is of use without its sender; `kept` comes before it, see `look`."""
        return _PUBLISHES.search(kept + self._data) is None

    def keep(self, data: memoryview) -> int:
        """Keep what came; return how many PINGs are to be answered at once."""
        if not self._data:
            self._data = bytearray()
        self._data += data
        self._flow.read_ahead += len(data)
        return self._look.feed(bytes(data)) if self._look is not None else 0

    def take(self, room: memoryview) -> int:
        """Move the first bytes into `room`, as many as it holds; return how many."""
        count = min(len(room), len(self._data))
        room[:count] = memoryview(self._data)[:count]
        self._data = self._data[count:]
        self._flow.read_ahead -= count
        return count

    def peek(self) -> bytes:
        """All that waits."""
        return bytes(self._data)

    def drop(self) -> None:
        """Drop what is kept: it will not be processed."""
        self._flow.read_ahead -= len(self._data)
        self._data = b""

    # --- PINGs in it ---------------------------------------------------------

    @property
    def is_looked_through(self) -> bool:
        """Whether PINGs are counted as they come."""
        return self._look is not None

    def look(self, kind: PeerKind, limits: Limits, kept: bytes) -> int:
        """Count PINGs from now on; return how many are to be answered.

        `kept` is what the data plane keeps of the same peer, which comes before all this.
        """
        longest = LINE_SLACK + route_line(limits.max_control_line)
        verbs = _CLIENT_VERBS if kind is PeerKind.CLIENT else _SERVER_VERBS
        look = self._look = LookAhead(verbs, longest)
        pings = look.feed(kept) + look.feed(bytes(self._data))
        return pings - self._answered  # those answered during an earlier wait come first

    def stop_looking(self) -> None:
        """The wait is over."""
        self._look = None

    @property
    def may_grow(self) -> bool:
        """Whether more of a peer that is looked through may be read."""
        return len(self._data) < READ_AHEAD and self._flow.read_ahead < READ_AHEAD_TOTAL

    def note_answer(self) -> None:
        """A PING was answered before it is processed."""
        self._answered += 1

    def was_answered(self) -> bool:
        """Whether the PING that is obeyed now was answered already; asked once for each."""
        if not self._answered:
            return False
        self._answered -= 1
        return True


class _NothingEarly(EarlyInput):
    """That of all peers of which nothing has had to wait yet: one object for all of them."""

    __slots__ = ()

    def __init__(self) -> None:
        self._data = b""
        self._look = None
        self._answered = 0

    def begun(self, flow: Flow) -> EarlyInput:
        """One of its own for a peer."""
        return EarlyInput(flow)

    def drop(self) -> None:
        """Nothing is kept."""


NOTHING_EARLY: EarlyInput = _NothingEarly()
"""Asked, but never given anything: `EarlyInput.begun` comes before that."""
