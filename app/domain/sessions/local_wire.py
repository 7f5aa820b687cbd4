"""The wire of a local client: no link to anywhere, only bytes that wait on either side.

What the client publishes waits here while flow control pauses it. What it is sent is taken apart
into messages, which are handed over in later turns: never within a call of the data plane.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from ..security.link_security import Security
from ..timers import Scheduler
from .wire import Handler, PeerAddress

MESSAGES_PER_TURN = 128
"""Messages handed over before others have their turn."""

ADDRESS = PeerAddress("local", 0)
"""In place of an address."""


_MESSAGES = (b"MSG", b"HMSG")


class LocalMessage(NamedTuple):
    """A message as a local client gets it."""

    subject: bytes
    sid: bytes
    reply: bytes | None
    payload: bytes
    headers: bytes = b""
    """The header block, its version line included; empty for a message without headers."""


class LocalHandler(Handler, Protocol):
    """What a local wire drives: a connection, or what lies between."""

    def failed(self, error: Exception) -> None:
        """A defect of the client ends it, and is reported."""
        ...


class LocalWire:
    """Implements `Wire` between a connection and a client in the same process."""

    def __init__(self, scheduler: Scheduler, deliver: Callable[[LocalMessage], None]) -> None:
        """`deliver` is called for each message; what it raises ends the connection."""
        self.peer = ADDRESS
        self.security: Security | None = None
        self.handler: LocalHandler
        self._scheduler = scheduler
        self._deliver = deliver
        self._published: deque[memoryview] = deque()
        self.waiting = 0
        """Bytes that the client has published and that are not processed."""
        self._received = bytearray()
        self._is_due = False
        self._is_paused = False
        self.is_held = False
        """Whether the client wants no messages for now."""
        self.is_closing = False
        self._is_lost = False

    # --- asked by the client -----------------------------------------------------

    def publish(self, data: bytes) -> None:
        """Process these bytes in a later turn, in order."""
        self._published.append(memoryview(data))
        self.waiting += len(data)
        self.schedule()

    def hold(self, *, held: bool) -> None:
        """Hand no messages over while `held`; they stay pending, as those of a reader that is slow."""
        self.is_held = held
        self.schedule()

    # --- asked by the connection ---------------------------------------------------

    def write(self, data: bytes) -> None:
        """See `Wire`."""
        if not self.is_closing:
            self._received += data
            self.schedule()

    def writelines(self, chunks: list[bytes]) -> None:
        """See `Wire`."""
        self.write(b"".join(chunks))

    def pending(self) -> int:
        """See `Wire`: what the client has not been handed."""
        return len(self._received)

    def untaken(self) -> int:
        """See `Wire`: there is no system in between."""
        return 0

    def pause(self) -> None:
        """See `Wire`."""
        self._is_paused = True

    def resume(self) -> None:
        """See `Wire`."""
        self._is_paused = False
        self.schedule()

    def close(self) -> None:
        """See `Wire`: what was written is handed over first."""
        self.is_closing = True
        self._published.clear()
        self.waiting = 0
        self.schedule()

    def abort(self) -> None:
        """See `Wire`."""
        self._received.clear()
        self.close()

    # --- turns ---------------------------------------------------------------------

    def schedule(self) -> None:
        """Have a turn soon."""
        if not self._is_due and not self._is_lost:
            self._is_due = True
            self._scheduler.call_soon(self._serve)

    def _serve(self) -> None:
        self._is_due = False
        try:
            self.hand_over()
            if self._published:
                self._feed()
        except Exception as error:  # noqa: BLE001 - a defect of the client ends it, and nobody else
            self.handler.failed(error)
        if self.is_closing and not self.pending() and not self._is_lost:
            self._is_lost = True
            self.handler.connection_lost(None)
            del self.handler, self._deliver  # breaks the circles of references

    def hand_over(self) -> None:
        """Give the client what it was sent, as much as one turn has time for."""
        had = bool(self._received)
        for _ in range(MESSAGES_PER_TURN):
            message = None if self.is_held else self._next()
            if message is None:
                break
            self._deliver(message)
        else:
            self.schedule()
        if had and not self._received and not self.is_closing:
            self.handler.drained()

    def _next(self) -> LocalMessage | None:
        """The next complete message; other lines, such as a PONG, are passed over."""
        while (end := self._received.find(b"\r\n")) >= 0:
            words = bytes(self._received[:end]).split(b" ")
            if words[0] not in _MESSAGES:
                del self._received[: end + 2]
                continue
            size, start = int(words[-1]), end + 2
            if len(self._received) < start + size + 2:
                return None
            content = bytes(self._received[start : start + size])
            del self._received[: start + size + 2]
            return _message(words, content)
        return None

    def _feed(self) -> None:
        if not self._published or self._is_paused or self.is_closing:
            return
        room = self.handler.reserve()
        count = 0
        while self._published and count < len(room):
            data = self._published.popleft()
            piece = data[: len(room) - count]
            room[count : count + len(piece)] = piece
            count += len(piece)
            self.waiting -= len(piece)
            if len(piece) < len(data):
                self._published.appendleft(data[len(piece) :])
        self.handler.received(count)
        if self._published:
            self.schedule()


def _message(words: list[bytes], content: bytes) -> LocalMessage:
    """From the words of a line, and the bytes after it."""
    has_headers = words[0] == b"HMSG"
    block = int(words[-2]) if has_headers else 0
    reply = words[3] if len(words) > 4 + has_headers else None
    return LocalMessage(words[1], words[2], reply, content[block:], content[:block])
