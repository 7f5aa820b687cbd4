"""Links to hubs: their first INFO decides whether TLS begins (leaf-nodes.md, sections 2 and 9).

    transport  <->  InfoFirst  <->  TlsLayer  <->  HeldInfo  <->  wire     TLS is asked for
    transport  <->  InfoFirst  <->  HeldInfo  <->  wire                    it is not

TLS begins if the hub or this side asks for it. The handler is made when that is over; its first input is
the INFO line, as if there were nothing in between.

Where this side asks for TLS nothing but INFO is taken in clear text, and nothing may follow it before
the handshake: anybody on the way could have put it there.
"""

import json
from dataclasses import dataclass
from functools import partial

from ...domain.timers import Timer
from ...ports.guarding import guarded
from ...ports.layers import Layer, LayerFactory, LinkSetup, Upper
from .held_input_layer import HeldInputLayer
from .tls_layer import TlsLayers

LARGEST_INFO = 64 * 1024
"""Bytes of a first INFO; with more a hub is refused."""


@dataclass(frozen=True, slots=True)
class InfoTerms:
    """What is asked of a hub."""

    seconds: float
    """Time limit for its first INFO."""
    demands_tls: bool = False
    """Whether the link is protected, whatever INFO says."""


class HeldInfo(HeldInputLayer):
    """Hands the first lines of a hub to the wire, once that is open."""

    __slots__ = ()

    def hold(self, data: bytes) -> None:
        """Deliver this first."""
        self._held = data

    @guarded
    def open(self) -> None:
        """Open, and deliver what is held."""
        self.upper.open()
        self._deliver()


class InfoFirst(Layer):
    """One link that was dialled; once INFO has come it passes all on."""

    __slots__ = ("_head", "_info", "_room", "_setup", "_terms", "_timer", "_tls", "_waiting")

    def __init__(self, layers: TlsLayers, terms: InfoTerms, upper: Upper, setup: LinkSetup) -> None:
        self._info = HeldInfo(upper, setup)
        self._tls = layers(self._info, setup)
        super().__init__(self._tls, setup)
        self._room = layers.room
        self._setup = setup
        self._terms = terms
        self._head = b""
        self._waiting = False
        self._timer: Timer | None = None

    # --- the upper side ----------------------------------------------------------

    def accept(self) -> None:
        """Nobody is asked before INFO has come."""

    @guarded
    def open(self) -> None:
        """Wait for INFO."""
        self._waiting = True
        self._timer = self._setup.scheduler.call_later(self._terms.seconds, self._run_out)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Room of our own until INFO has come."""
        return self._room if self._waiting else self.upper.get_buffer(sizehint)

    def buffer_updated(self, nbytes: int) -> None:
        """Collect the first line; pass all others on."""
        if self._waiting:
            self._collect(bytes(self._room[:nbytes]))
        else:
            self.upper.buffer_updated(nbytes)

    def eof_received(self) -> bool | None:
        """A hub that ends here has said no INFO."""
        if self._waiting:
            self._refuse("the hub closed the link before INFO")
            return False
        return self.upper.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        """Pass it on."""
        if self._waiting:
            self._end_wait()
            self._answer("the hub closed the link before INFO")
        super().connection_lost(error)
        del self._tls, self._info  # circles of references

    # --- the decision ------------------------------------------------------------

    @guarded
    def _collect(self, data: bytes) -> None:
        self._head += data
        end = self._head.find(b"\n") + 1
        if end:
            self._decide(self._head[:end], self._head[end:])
        elif len(self._head) > LARGEST_INFO:
            self._refuse(f"the hub's INFO is longer than {LARGEST_INFO} bytes")

    def _decide(self, line: bytes, rest: bytes) -> None:
        if len(line) > LARGEST_INFO:
            self._refuse(f"the hub's INFO is longer than {LARGEST_INFO} bytes")
            return
        info = _read(line)
        if self._terms.demands_tls and info is None:
            self._refuse("the hub sent no INFO, and TLS is asked for")
        elif self._terms.demands_tls and not _offers_tls(info or {}):
            self._refuse("TLS is asked for, and the hub offers none")
        elif not self._terms.demands_tls and not (info or {}).get("tls_required"):
            self._go_on_in_clear(line + rest)
        elif rest:
            self._refuse("the hub sent more than INFO before the TLS handshake")
        else:
            self._begin_tls(line)

    def _begin_tls(self, line: bytes) -> None:
        self._end_wait()
        self._info.hold(line)
        self.upper.accept()
        self.upper.open()

    def _go_on_in_clear(self, data: bytes) -> None:
        """Take the layer of TLS out."""
        self._end_wait()
        self._info.hold(data)
        self.upper, _ = self._tls.step_aside()
        self.upper.attach(self)
        self.upper.accept()
        self.upper.open()

    # --- the end -----------------------------------------------------------------

    @guarded
    def _run_out(self) -> None:
        self._refuse(f"no INFO within {self._terms.seconds:g} s")

    def _refuse(self, reason: str) -> None:
        self._end_wait()
        self._answer(reason)
        self.upper.abort_link()

    def _answer(self, reason: str) -> None:
        if self._setup.refused is not None:
            self._setup.refused(reason)

    def _end_wait(self) -> None:
        self._waiting = False
        self._head = b""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _read(line: bytes) -> dict[str, object] | None:
    """The members of an INFO line; None for any other line."""
    verb, _, text = line.strip().partition(b" ")
    if verb.upper() != b"INFO":
        return None
    try:
        members: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return members if isinstance(members, dict) else None


def _offers_tls(info: dict[str, object]) -> bool:
    return any(info.get(name) is True for name in ("tls_required", "tls_available", "tls_verify"))


def info_first_layers(layers: TlsLayers, terms: InfoTerms) -> LayerFactory:
    """Makes the layer of each link."""
    return partial(InfoFirst, layers, terms)
