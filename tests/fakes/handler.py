"""A handler that records the calls of its wire, and an acceptor of such handlers."""

from collections.abc import Callable

from app.domain.events import Link
from app.domain.sessions.wire import Wire


class ReceiveRoom:
    """The one receive buffer that all handlers of a test share."""

    def __init__(self, size: int = 64 * 1024) -> None:
        self.view = memoryview(bytearray(size))
        self.holder: RecordingHandler | None = None


class RecordingHandler:
    """Notes each call by name, collects the bytes, and finds fault with a wire's manners.

    `on_note` is called after each note. A fault is raised, so the wire under test
    reports it as a failure of this handler.
    """

    def __init__(self, wire: Wire, room: ReceiveRoom, on_change: Callable[[], None]) -> None:
        self.wire = wire
        self.open = False
        self.calls: list[str] = []
        """The calls of the wire, except `opened`, which sets `open`."""
        self.data = bytearray()
        self.losses: list[Exception | None] = []
        self._room = room
        self.on_note = on_change

    @property
    def lost_once(self) -> bool:
        """Whether `lost` was called once, and last."""
        return self.calls.count("connection_lost") == 1 and self.calls[-1] == "connection_lost"

    @property
    def link(self) -> Link:
        """A link of a kind of its own."""
        return Link("test", 1, str(self.wire.peer))

    def opened(self) -> None:
        """Record it, if it is the first call."""
        if self.open or self.calls:
            raise AssertionError(f"opened once, and first; not after {self.calls}")
        self.open = True
        self.on_note()

    def reserve(self) -> memoryview:
        """Lend the shared room."""
        if not self.open:
            raise AssertionError("the link is not open yet")
        self._room.holder = self
        return self._room.view

    def received(self, count: int) -> None:
        """Collect the bytes; checks that `reserve` was called for them."""
        if self._room.holder is not self:
            raise AssertionError("another handler reserved the room before this one received")
        if not 0 < count <= len(self._room.view):
            raise AssertionError(f"{count} bytes do not fit a room of {len(self._room.view)}")
        self.data += self._room.view[:count]
        self._note("received")

    def eof_received(self) -> None:
        """Note the peer's end of file."""
        self._note("eof_received")

    def drained(self) -> None:
        """Note that little is pending."""
        self._note("drained")

    def connection_lost(self, error: Exception | None) -> None:
        """Note the loss and its cause."""
        self.losses.append(error)
        self._note("connection_lost")

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self.on_note()


class ClosingHandler(RecordingHandler):
    """Ends its link in the call that `cue` names, by the method that `parting` names."""

    def __init__(
        self,
        wire: Wire,
        room: ReceiveRoom,
        on_change: Callable[[], None],
        *,
        cue: str = "received",
        parting: str = "close",
    ) -> None:
        super().__init__(wire, room, on_change)
        self._cue = cue
        self._ending = parting

    def _note(self, call: str) -> None:
        super()._note(call)
        if call == self._cue:
            getattr(self.wire, self._ending)()
            if "connection_lost" in self.calls:
                raise AssertionError("lost from within a call on the wire")


class FaultyHandler(RecordingHandler):
    """Raises `ZeroDivisionError` from the call that `fault` names."""

    def __init__(self, wire: Wire, room: ReceiveRoom, on_change: Callable[[], None], *, fault: str) -> None:
        super().__init__(wire, room, on_change)
        self._fault = fault

    def reserve(self) -> memoryview:
        """Lend the shared room, unless this is the fault."""
        if self._fault == "reserve":
            raise ZeroDivisionError(self._fault)
        return super().reserve()

    def _note(self, call: str) -> None:
        super()._note(call)
        if call == self._fault:
            raise ZeroDivisionError(call)


HandlerFactory = Callable[[Wire, ReceiveRoom, Callable[[], None]], RecordingHandler]


def _nothing() -> None:
    """Ignore a change."""


class RecordingAcceptor:
    """Makes one handler per link, all over one room, and keeps them in order of arrival."""

    def __init__(
        self,
        on_change: Callable[[], None] = _nothing,
        *,
        factory: HandlerFactory = RecordingHandler,
        room: ReceiveRoom | None = None,
    ) -> None:
        self.handlers: list[RecordingHandler] = []
        self._on_change = on_change
        self._factory = factory
        self._room = room or ReceiveRoom()

    def __call__(self, wire: Wire) -> RecordingHandler:
        """Accept a link."""
        handler = self._factory(wire, self._room, self._on_change)
        self.handlers.append(handler)
        self._on_change()
        return handler
