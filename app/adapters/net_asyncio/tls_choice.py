"""The choice between TLS and clear text by the first byte of a client.

    transport  <->  TlsChoice  <->  TlsLayer  <->  wire      a client that begins a handshake
    transport  <->  TlsChoice  <->  wire                     one that goes on in clear text

A listener needs it in two cases, or in both at once (ADR 0041):

    greet_after   nothing is sent for that time: a client that begins a handshake by then gets
                  INFO inside TLS, any other one in clear text
    optional      after INFO a client may begin a handshake, or go on in clear text
"""

from functools import partial

from ...domain.timers import Timer
from ...domain.value_object import value_object
from ...ports.guarding import guarded
from ...ports.layers import LinkSetup, Upper
from .held_input_layer import HeldInputLayer
from .tls_layer import HANDSHAKE_RECORD, TlsLayers


@value_object
class ChoiceTerms:
    """What a listener leaves to its clients."""

    timeout: float
    """Seconds after INFO in which a client may begin TLS; then it is one without."""
    greet_after: float | None = None
    """Seconds to wait for a handshake before INFO is sent; None sends it at once."""
    optional: bool = False
    """Whether clients without TLS are served."""


class TlsChoice(HeldInputLayer):
    """One link whose client has yet to choose; afterwards it passes all on."""

    __slots__ = ("_choosing", "_terms", "_timer", "_tls")

    def __init__(self, layers: TlsLayers, terms: ChoiceTerms, upper: Upper, setup: LinkSetup) -> None:
        self._tls = layers(upper, setup)
        super().__init__(self._tls, setup)
        self._terms = terms
        self._timer: Timer | None = None
        self._choosing = False

    # --- the upper side ----------------------------------------------------------

    def accept(self) -> None:
        """Greet at once, unless a client may begin with a handshake."""
        if self._terms.greet_after is None:
            self._tls.greet()

    @guarded
    def open(self) -> None:
        """Wait for the client's first byte, unless the link was refused."""
        if not self.upper.is_open:
            return
        self._choosing = True
        self._setup.limit.enter()
        if self._terms.greet_after is None:
            self._await_choice()
        else:
            self._timer = self._setup.scheduler.call_later(self._terms.greet_after, self._nothing_heard)

    def buffer_updated(self, nbytes: int) -> None:
        """Choose by the first byte; pass all others on."""
        if self._choosing:
            self._choose(nbytes)
        else:
            self.upper.buffer_updated(nbytes)

    def eof_received(self) -> bool | None:
        """A client that says nothing has chosen, too."""
        if self._choosing:
            self._decide()
            if self._terms.optional:
                self._go_on_in_clear()
        return super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        """Pass it on."""
        self._at_end = True
        self._finish()
        super().connection_lost(error)
        del self._tls

    # --- the choice --------------------------------------------------------------

    @guarded
    def _choose(self, nbytes: int) -> None:
        record = self.upper.get_buffer(-1)[:nbytes]  # the room that was filled: all links share it
        begins_tls = record[0] == HANDSHAKE_RECORD
        is_greeted = self._tls.is_greeted
        self._decide()
        if not begins_tls and not is_greeted:
            self._tls.greet()
        if not begins_tls and self._terms.optional and self.upper.is_open:
            self._held = bytes(record)
            self._go_on_in_clear()
            return
        self.upper.open()
        self.upper.buffer_updated(nbytes)

    @guarded
    def _nothing_heard(self) -> None:
        """Greet in clear text: the client waits for INFO."""
        self._tls.greet()
        if self._terms.optional and self.upper.is_open:
            self._await_choice()
        else:
            self._decide()
            self.upper.open()

    def _await_choice(self) -> None:
        self._timer = self._setup.scheduler.call_later(self._terms.timeout, self._no_handshake)

    @guarded
    def _no_handshake(self) -> None:
        self._decide()
        self._go_on_in_clear()

    def _decide(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._choosing:
            self._choosing = False
            self._setup.limit.leave()

    # --- clear text --------------------------------------------------------------

    def _go_on_in_clear(self) -> None:
        """Take the layer of TLS out, and deliver what came in."""
        if not self._tls.is_greeted:
            self._tls.greet()
        if not self.upper.is_open:
            return
        self.upper, paused = self._tls.step_aside()
        self.upper.attach(self)
        if paused:
            self.pause_reading()
        self.upper.open()
        self._deliver()

    def _finish(self) -> None:
        self._decide()
        super()._finish()


def choice_layers(layers: TlsLayers, terms: ChoiceTerms) -> partial[TlsChoice]:
    """Makes the layer of each link."""
    return partial(TlsChoice, layers, terms)
