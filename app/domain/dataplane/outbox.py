"""What waits to be sent to one connection, in the plain twin."""

from typing import TYPE_CHECKING

from .reach import Naming
from .seam import Owner, Sender
from .unsent import KEPT_FROM, Pieces, Unsent, UnsentFlush

if TYPE_CHECKING:
    from .reference import DataPlane

VECTORED_BYTES = 4096
"""Mean size of the pieces from which on they are handed over unjoined."""


class Outbox:
    """See `seam.Outbox`."""

    __slots__ = (
        "_backlog",
        "_chunks",
        "_congested",
        "_dirty",
        "_handed",
        "_kept",
        "_plane",
        "_size",
        "_wire",
        "alarm",
        "closed",
        "headers",
        "last_delivery",
        "leaf",
        "naming",
        "out_bytes",
        "out_msgs",
        "owner",
        "trace",
    )

    def __init__(self, plane: "DataPlane", wire: Sender, owner: Owner) -> None:
        self._plane = plane
        self._wire = wire
        self.owner = owner
        self._chunks: list[bytes] = []
        self._size = 0
        self._backlog = 0
        self._dirty = False
        self.out_msgs = 0
        self.out_bytes = 0
        self.last_delivery = 0.0
        self._handed = 0
        self._kept: Unsent | None = None  # while much is pending
        self.alarm = 0
        self.closed = False
        self.trace = False
        self.headers = False
        self.leaf = False
        self.naming: int = Naming.NEVER
        self._congested = False

    @property
    def congested(self) -> bool:
        """See `seam.Outbox`; the plane counts those that are."""
        return self._congested

    @congested.setter
    def congested(self, congested: bool) -> None:
        """See `seam.Outbox`; the plane counts those that are."""
        self._plane.congested += congested - self._congested
        self._congested = congested

    def send(self, data: bytes) -> None:
        """See `seam.Outbox`."""
        if not self.closed:
            self._chunks.append(data)
            self._size += len(data)
            self._touch()
            if self._backlog + self._size > self.alarm:
                self._ask_owner(own=True)
            if self._congested and self.owner.pressed(own=True):
                self._plane.held = True

    def deliver(self, head: bytes, tail: bytes) -> None:
        """Queue a message: its line up to the sid, and the rest of it."""
        self._chunks += (head, tail)  # both or none, also where memory is short
        self._size += len(head) + len(tail)
        if self.trace:
            self.owner.sent(head + tail[: tail.index(b"\r")])
        self._touch()
        if self._backlog + self._size > self.alarm:
            self._ask_owner(own=False)

    def room(self) -> int:
        """How many bytes more need no decision of the owner."""
        return self.alarm - self._backlog - self._size

    def put_run(self, messages: bytes) -> None:
        """Queue messages that press nobody."""
        self._chunks.append(messages)
        self._size += len(messages)
        self._touch()

    def _ask_owner(self, *, own: bool) -> None:
        """Ask the owner whether the publisher has to wait, as this is too full."""
        if self.owner.pressed(own=own):
            self._plane.held = True

    def _touch(self) -> None:
        """Have it flushed."""
        if not self._dirty:
            self._plane.touched.append(self)
            self._dirty = True

    def flush(self) -> int:
        """See `seam.Outbox`."""
        self._dirty = False
        chunks, size = self._chunks, self._size
        if chunks:
            self._chunks = []
            self._size = 0
            self._handed += size
            if size >= VECTORED_BYTES * len(chunks):
                self._wire.writelines(chunks)
            else:
                self._wire.write(b"".join(chunks))
        self._backlog = self._wire.pending()
        if self._backlog or self._kept is not None:
            self._keep(chunks, size)
        return size

    def waiting(self) -> bytes:
        """What is to be handed over with the next flush."""
        return b"".join(self._chunks)

    def withdraw(self) -> None:
        """Forget that: it has been taken. It is off the list of those to be flushed."""
        self._handed += self._size
        self._chunks, self._size, self._dirty = [], 0, False

    def put_back(self, data: bytes) -> None:
        """It has not been: have it flushed."""
        self._handed -= len(data)
        self.put_run(data)

    def _is_much(self) -> bool:
        return self._backlog > KEPT_FROM or self._backlog > self.alarm >> 2

    def _keep(self, pieces: Pieces, size: int) -> None:
        """Keep what was handed over, while much is pending."""
        if not self._is_much():
            self._kept = None
            return
        kept = self._kept = self._kept or Unsent()
        if size:
            kept.add(pieces, size, self._handed)
        kept.passed(self._handed - self._backlog)

    def pending(self) -> int:
        """See `seam.Outbox`."""
        self._backlog = self._wire.pending()
        if self._kept is not None:
            self._keep(b"", 0)
        return self._backlog + self._size

    def unsent(self) -> list[UnsentFlush]:
        """See `unsent.KeepsUnsent`."""
        return [] if self._kept is None else self._kept.rest(self.passed())

    def starves(self, low: int) -> bool:
        """Whether its receiver has at most `low` bytes left to read, as far as is known."""
        return self.pending() <= low and self.owner.untaken() <= low

    def passed(self) -> int:
        """See `seam.Outbox`."""
        return self._handed - self._wire.pending()
