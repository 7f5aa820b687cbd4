"""The layer in which faults happen: next to the wire, so it sees the protocol in clear over every transport.

A link that nobody watches is passed through as it is. While there are rules, what is sent
either way is cut into frames, and each frame is judged. When the last rule is over the link is
passed through again, as soon as both ways are between two frames.

    transport  <->  TLS, websocket  <->  fault layer  <->  wire  <->  connection
"""

import json
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from ...ports.layers import Layer, LinkSetup, Lower, Upper
from .delay_line import DelayLine
from .frames import Frame, FrameSplitter
from .rules import IN, LOSING, OUT, FaultKind, Rule

_ROOM = 64 * 1024

_CUT = b""
"""In place of data to a peer: end the link."""

MOST_DELAYED = 1024 * 1024
"""Bytes from a peer that are delayed, at which no more is read from it."""


class Watcher(Protocol):
    """What the layers of one server ask; see `faults.Faults`."""

    @property
    def is_watching(self) -> bool:
        """Whether traffic is to be cut into frames."""
        ...

    def joined(self, layer: "FaultLayer") -> None:
        """A link has begun."""
        ...

    def left(self, layer: "FaultLayer") -> None:
        """A link is over."""
        ...

    def known(self, layer: "FaultLayer") -> None:
        """The peer has sent its name."""
        ...

    def judge_frame(self, layer: "FaultLayer", direction: str, frame: Frame) -> list[Rule]:
        """The rules that a frame is hit by."""
        ...

    def find(self, layer: "FaultLayer") -> None:
        """Set what the server knows of the peer."""
        ...

    def queue_of(self, layer: "FaultLayer", sid: bytes) -> str:
        """The queue group of a subscription of the peer; empty for none."""
        ...

    def close(self, layer: "FaultLayer") -> None:
        """End the connection in order: what is pending is sent before."""
        ...

    def unprocessed(self, layer: "FaultLayer") -> bytes:
        """What the server has of the peer and has not obeyed yet, from the beginning of a line on."""
        ...

    @property
    def max_payload(self) -> int:
        """The limit of the server."""
        ...

    def seen(self, layer: "FaultLayer", direction: str, frame: Frame, lost_by: str = "") -> None:
        """A frame has passed, or is lost by a rule of this kind; for the recorded conversation."""
        ...


class FaultLayer(Layer):
    """The traffic of one link. Implements `rules.FaultPeer`."""

    __slots__ = (
        "_delayed",
        "_eof",
        "_frames",
        "_from_peer",
        "_is_closing",
        "_is_held",
        "_is_lost",
        "_is_pumping",
        "_low_mark",
        "_outbound",
        "_partly",
        "_paused",
        "_room",
        "_setup",
        "_stalled_in",
        "_stalled_out",
        "_to_peer",
        "_watcher",
        "cid",
        "is_local",
        "is_route",
        "muted_by",
        "name",
        "server_id",
        "stalled_by",
        "user",
    )

    def __init__(self, upper: Upper, setup: LinkSetup, watcher: Watcher) -> None:
        super().__init__(upper, setup)
        self._setup = setup
        self._watcher = watcher
        self._from_peer: FrameSplitter | None = None
        """None while the link is passed through."""
        self._to_peer = FrameSplitter()
        self._room = memoryview(b"")
        self._frames: deque[Frame] = deque()
        """From the peer, not judged yet."""
        self._delayed: DelayLine[Callable[[], None]] = DelayLine(setup.scheduler, self._pump)
        """What is to be done for frames from the peer, each at its time."""
        self._partly = memoryview(b"")
        """The rest of a frame, handed on in part when the wire paused."""
        self._outbound: DelayLine[bytes] = DelayLine(setup.scheduler, self._release)
        """To the peer."""
        self._low_mark = 0
        self._paused = False
        self._stalled_in = self._stalled_out = False
        self._is_held = False
        """Whether the lower delivers nothing, for any reason."""
        self._eof = self._is_closing = self._is_lost = self._is_pumping = False
        self.muted_by: Rule | None = None
        """The rule by which all that is sent to the peer is lost."""
        self.stalled_by: set[Rule] = set()
        self.cid = 0
        self.name = self.user = self.server_id = ""
        self.is_route = False
        self.is_local = False
        """Whether the peer is a client without a socket."""

    def queue_of(self, sid: bytes) -> str:
        """See `rules.FaultPeer`."""
        return self._watcher.queue_of(self, sid)

    # --- beginning and end ---------------------------------------------------------------

    def attach(self, lower: Lower) -> None:
        """See `Upper`."""
        super().attach(lower)
        self._watcher.joined(self)
        if self._watcher.is_watching:
            self.watch()

    def watch(self) -> None:
        """Judge all that comes from now on."""
        if self._from_peer is None:
            self._watcher.find(self)
            self._from_peer = FrameSplitter(lambda: self._watcher.max_payload)
            self._from_peer.resume_after(self._watcher.unprocessed(self))
            self._room = memoryview(bytearray(_ROOM))

    def unwatch(self) -> None:
        """Pass the link through again, once both ways are between two frames and nothing is held."""
        if self._watcher.is_watching or self._from_peer is None or self._is_pumping:
            return
        is_held = self._has_input or self._eof or self._outbound or self._stalled_in or self._stalled_out
        is_over = self._is_closing or self._is_lost or self.muted_by is not None
        if not (is_held or is_over) and self._from_peer.is_between and self._to_peer.is_between:
            self._from_peer, self._room = None, memoryview(b"")

    def connection_lost(self, error: Exception | None) -> None:
        """See `Upper`."""
        self._is_lost = True
        self._forget_input()
        self._outbound.clear()
        self._watcher.left(self)
        super().connection_lost(error)

    def let_go(self) -> None:
        """Hold nothing any more: the server stops, and what is held is lost."""
        self._outbound.clear()
        self._forget_input()
        self._stalled_in = self._stalled_out = False
        self._pump()

    def cut(self) -> None:
        """End the link now; what is pending is lost."""
        if not self._is_lost:
            self.upper.abort_link()

    def _close_in_order(self) -> None:
        if not self._is_lost and self.upper.is_open:
            self._watcher.close(self)

    # --- from the peer -------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        """See `Upper`."""
        return self.upper.get_buffer(sizehint) if self._from_peer is None else self._room

    def buffer_updated(self, nbytes: int) -> None:
        """See `Upper`."""
        if self._from_peer is None:
            self.upper.buffer_updated(nbytes)
            return
        self._frames += self._from_peer.feed(bytes(self._room[:nbytes]))
        self._pump()

    def eof_received(self) -> bool | None:
        """See `Upper`: after all that was sent before."""
        if self._has_input:
            self._eof = True
            return True
        return self.upper.eof_received()

    @property
    def held_input(self) -> int:
        """Bytes from the peer that are not handed on."""
        waiting = sum(len(frame.raw) for frame in self._frames)
        return waiting + self._delayed.size + len(self._partly)

    @property
    def _has_input(self) -> bool:
        return bool(self._frames or self._delayed or self._partly)

    def _forget_input(self) -> None:
        self._frames.clear()
        self._delayed.clear()
        self._partly = memoryview(b"")

    def _pump(self) -> None:
        """Hand on what may be handed on."""
        self._is_pumping = True
        try:
            self._hand_on()
        finally:
            self._is_pumping = False
        self.unwatch()

    def _hand_on(self) -> None:
        while self._has_input and not (self._paused or self._stalled_in or self._is_lost):
            if not self.upper.is_open:
                self._forget_input()
            elif self._partly:
                self._hand_over(self._partly)
            elif (due := self._delayed.take()) is not None:
                due()
            elif self._frames:
                self._receive(self._frames.popleft())
            else:
                break
        if self._eof and not self._has_input and not self._is_lost:
            self._eof = False
            self.upper.eof_received()
        if not self._is_lost and self.upper.is_open:
            self._set_reading()

    def _receive(self, frame: Frame) -> None:
        """Do with a frame what the rules want, now or later."""
        if frame.verb in (b"CONNECT", b"INFO"):
            self._learn(frame)
        rules = self._watcher.judge_frame(self, IN, frame)
        seconds = _delay_by(rules)
        if lost_by := _lost_by(rules):
            self._watcher.seen(self, IN, frame, lost_by)
        for rule in rules:
            if rule.kind is FaultKind.CUT:
                self._later(self._close_in_order, 0, seconds)
                return
            if rule.kind is FaultKind.REFUSE:
                self._later(partial(self._refuse, rule.text), 0, seconds)
                return
            if rule.kind is FaultKind.ERROR:
                self._later(partial(self._answer, rule.text), 0, seconds)
        for _ in range(_copies_by(rules)):
            self._later(partial(self._pass_up, frame), len(frame.raw), seconds)

    def _later(self, work: Callable[[], None], size: int, seconds: float) -> None:
        """Do it after this time, and after what came before."""
        if seconds or self._delayed or self._partly:
            self._delayed.put(work, size, seconds)
        else:
            work()

    def _pass_up(self, frame: Frame) -> None:
        self._watcher.seen(self, IN, frame)
        self._hand_over(memoryview(frame.raw))

    def _refuse(self, reason: str) -> None:
        self._answer(reason)
        self.upper.close_link()

    def _answer(self, text: str) -> None:
        self._put(b"-ERR '%b'\r\n" % text.encode())

    def _hand_over(self, left: memoryview) -> None:
        while left and not (self._paused or self._is_lost) and self.upper.is_open:
            room = self.upper.get_buffer(len(left))
            piece = left[: len(room)]
            room[: len(piece)] = piece
            left = left[len(piece) :]
            self.upper.buffer_updated(len(piece))
        self._partly = memoryview(b"") if self._is_lost else left

    def _learn(self, frame: Frame) -> None:
        """Who the peer is: what its first INFO says, because later ones may be about other servers."""
        if self.server_id:
            return
        try:
            said = json.loads(frame.raw.partition(b" ")[2])
        except ValueError:
            return
        if not isinstance(said, dict):
            return
        self.name = str(said.get("name") or said.get("server_name") or self.name)
        self.user = str(said.get("user") or self.user)
        self.server_id = str(said.get("server_id") or self.server_id)
        self._watcher.known(self)

    # --- to the peer -----------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """See `Lower`."""
        if self._from_peer is None:
            self.lower.write(data)
            return
        for frame in self._to_peer.feed(data):
            if self._is_closing:
                break
            self._send(frame)
        self.unwatch()

    def writelines(self, chunks: list[bytes]) -> None:
        """See `Lower`."""
        if self._from_peer is None:
            self.lower.writelines(chunks)
        else:
            self.write(b"".join(chunks))

    def _send(self, frame: Frame) -> None:
        """Send a frame as the rules want it."""
        rules = self._watcher.judge_frame(self, OUT, frame)
        seconds = _delay_by(rules)
        if lost_by := _lost_by([*rules, *([self.muted_by] if self.muted_by else [])]):
            self._watcher.seen(self, OUT, frame, lost_by)
        if any(rule.kind is FaultKind.CUT for rule in rules):
            self._is_closing = True
            self._put(_CUT, seconds)
        elif self.muted_by is not None:
            self.muted_by.hits += 1
        elif copies := _copies_by(rules):
            self._watcher.seen(self, OUT, frame)
            self._put(frame.raw * copies, seconds)

    def _put(self, data: bytes, seconds: float = 0.0) -> None:
        if seconds or self._stalled_out or self._outbound:
            self._outbound.put(data, len(data), seconds)
        else:
            self._write(data)

    def _write(self, data: bytes) -> None:
        if data == _CUT:
            self._setup.scheduler.call_soon(self._close_in_order)
        else:
            self.lower.write(data)

    def get_write_buffer_size(self) -> int:
        """See `Lower`: what is held here is not passed on."""
        return self.lower.get_write_buffer_size() + self._outbound.size

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """See `Lower`."""
        self._low_mark = low or 0
        self.lower.set_write_buffer_limits(high, low)

    def pause_reading(self) -> None:
        """See `Lower`."""
        self._paused = True
        self._set_reading()

    def resume_reading(self) -> None:
        """See `Lower`: what is held is delivered after this call."""
        self._paused = False
        self._set_reading()
        if self._has_input:
            self._setup.scheduler.call_soon(self._pump)

    def _set_reading(self) -> None:
        held = self._paused or self._stalled_in or self._delayed.size > MOST_DELAYED
        if held != self._is_held and not self._is_lost:
            self._is_held = held
            if held:
                self.lower.pause_reading()
            else:
                self.lower.resume_reading()

    def close(self) -> None:
        """See `Lower`: what is held here is lost."""
        self._outbound.clear()
        super().close()

    # --- stalls ----------------------------------------------------------------------------

    def stall(self, direction: str, *, stalled: bool) -> None:
        """Stop reading from the peer (``in``) or writing to it (``out``), or go on."""
        if direction == IN and stalled != self._stalled_in:
            self._stalled_in = stalled
            self._set_reading()
            if not stalled and self._has_input:
                self._setup.scheduler.call_soon(self._pump)
        elif direction == OUT and stalled != self._stalled_out:
            self._stalled_out = stalled
            self._release()

    def _release(self) -> None:
        """Send what need not wait any more."""
        if self._stalled_out or self._is_lost:
            return
        due: list[bytes] = []
        while (data := self._outbound.take()) is not None:
            due.append(data)
        if due:
            self.lower.write(b"".join(due))
            if _CUT in due:
                self._write(_CUT)
        if self.get_write_buffer_size() <= self._low_mark:
            self.upper.resume_writing()  # or else the lower calls it, when it has sent enough
        self.unwatch()


def _delay_by(rules: list[Rule]) -> float:
    return sum(rule.seconds for rule in rules if rule.kind is FaultKind.DELAY)


def _lost_by(rules: list[Rule]) -> str:
    """The kind of the first rule by which a frame does not pass; empty if it does."""
    return next((rule.kind.value for rule in rules if rule.kind in LOSING), "")


def _copies_by(rules: list[Rule]) -> int:
    """How often a message is handled, or sent."""
    if any(rule.kind in (FaultKind.DROP, FaultKind.ERROR) for rule in rules):
        return 0
    return 1 + sum(rule.copies for rule in rules if rule.kind is FaultKind.DUPLICATE)
