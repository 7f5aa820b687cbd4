"""The base of layers that look at the first bytes of a link, and then hand them on."""

from ...ports.layers import LinkSetup, Upper
from .buffering_layer import BufferingLayer


class HeldInputLayer(BufferingLayer):
    """Delivers what `_held` has, in order and unless the link is paused, and then all that comes in."""

    __slots__ = ("_eof_held", "_held")

    def __init__(self, upper: Upper, setup: LinkSetup) -> None:
        super().__init__(upper, setup)
        self._held = b""
        """Input that the upper has not taken."""
        self._eof_held = False
        """Whether the peer's end of file waits for that input to be taken."""

    def eof_received(self) -> bool | None:
        """After what is held."""
        self._at_end = True
        if self._held:
            self._eof_held = True
            return True
        return self.upper.eof_received()

    def resume_reading(self) -> None:
        """Deliver what is held, later, and read on; at once where nothing is held."""
        if self._held:
            super().resume_reading()
        else:
            self._paused = False
            self._read_on()

    def _deliver(self) -> None:
        while self._held and not self._paused:
            room = self.upper.get_buffer(-1)
            piece, self._held = self._held[: len(room)], self._held[len(room) :]
            room[: len(piece)] = piece
            self.upper.buffer_updated(len(piece))
        if self._eof_held and not self._held and not self._paused:
            self._eof_held = False
            if not self.upper.eof_received():
                self.close()

    def _finish(self) -> None:
        self._held = b""
        self._eof_held = False
