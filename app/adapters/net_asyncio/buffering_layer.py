"""The base of layers that keep input while the link is paused, and whose own protocol has an end.

TLS, websockets, and the choice between TLS and clear text have it in common. A layer adds what it
does with the bytes: `_deliver`, `_say_goodbye`, `_finish` and `_discards_input`.
"""

from abc import ABC, abstractmethod

from ...ports.guarding import guarded
from ...ports.layers import Layer, LinkSetup, Upper


class BufferingLayer(Layer, ABC):
    """Pauses, resumes and ends a link in the order that `Lower` asks for."""

    __slots__ = ("_at_end", "_input_over", "_paused", "_resuming", "_setup")

    def __init__(self, upper: Upper, setup: LinkSetup) -> None:
        super().__init__(upper, setup)
        self._setup = setup
        self._paused = False
        self._resuming = False
        """Whether `_resume` is under way."""
        self._at_end = False
        """Whether nothing more is read: the peer's end of file is in, or the lower was ended."""
        self._input_over = False
        """Whether the upper has been notified of either."""

    # --- what a layer adds -------------------------------------------------------

    @abstractmethod
    def _deliver(self) -> None:
        """Hand on what is kept, until the link is paused; it may be gone already."""

    def _say_goodbye(self) -> None:
        """Send the end of the layer's own protocol, if it has one."""

    def _finish(self) -> None:
        """Take and give nothing any more."""

    def _discards_input(self) -> bool:
        """Whether input is read although the link is paused, as nothing of it is handed on."""
        return False

    # --- the upper side ----------------------------------------------------------

    def fail(self, error: Exception) -> None:
        """End the link because of a defect; it is reported as one of the wire."""
        self.abort()
        self.upper.fail(error)

    # --- the lower side ----------------------------------------------------------

    def pause_reading(self) -> None:
        """Keep what comes in, as it is."""
        self._paused = True
        self.lower.pause_reading()

    def resume_reading(self) -> None:
        """Deliver what was kept, later, and read on."""
        self._paused = False
        if not self._resuming:
            self._resuming = True
            self._setup.scheduler.call_soon(self._resume)

    def write_eof(self) -> None:
        """End our direction, of this layer and then of the lower."""
        self._say_goodbye()
        self.lower.write_eof()

    def close(self) -> None:
        """The same, and end the link."""
        self._say_goodbye()
        self._at_end = True
        self.lower.close()

    def abort(self) -> None:
        """End the link without a word."""
        self._finish()
        self._at_end = True
        self.lower.abort()

    # --- for the layer -----------------------------------------------------------

    @guarded
    def _resume(self) -> None:
        """Deliver what has been kept, and then read on."""
        self._resuming = False
        self._deliver()
        if not (self._paused or self._resuming) or self._discards_input():
            self._read_on()

    def _read_on(self) -> None:
        if not self._at_end:
            self.lower.resume_reading()

    def _end_input(self) -> bool:
        """Pass the end of input on, once; answer whether the link stays half open."""
        if self._input_over:
            return self.upper.is_open
        self._input_over = True
        return bool(self.upper.eof_received())
