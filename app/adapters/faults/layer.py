"""The layer in which faults happen: next to the wire, so it sees the protocol in clear over every transport.

A link that nobody watches is passed through as it is. From the first rule on, what is sent
either way is cut into frames, and each frame is judged.

    transport  <->  TLS, websocket  <->  fault layer  <->  wire  <->  connection
"""

import json
from collections import deque
from typing import Protocol

from ...domain.timers import Timer
from ...ports.layers import Layer, LinkSetup, Lower, Upper
from .frames import Frame, FrameSplitter
from .rules import IN, OUT, FaultKind, Rule

_ROOM = 64 * 1024


class Watcher(Protocol):
    """What the layers of one server ask; see `faults.Faults`."""

    is_watching: bool

    def joined(self, layer: "FaultLayer") -> None:
        """A link has begun."""
        ...

    def left(self, layer: "FaultLayer") -> None:
        """A link is over."""
        ...

    def known(self, layer: "FaultLayer") -> None:
        """The peer has said who it is."""
        ...

    def judge(self, layer: "FaultLayer", direction: str, frame: Frame) -> list[Rule]:
        """The rules that a frame is hit by."""
        ...

    def find(self, layer: "FaultLayer") -> None:
        """Set what the server knows of the peer, and what it has not obeyed yet."""
        ...

    def seen(self, layer: "FaultLayer", direction: str, frame: Frame) -> None:
        """A frame has passed; for the recorded conversation."""
        ...


class FaultLayer(Layer):
    """The traffic of one link. Implements `rules.FaultPeer`."""

    __slots__ = (
        "_delays",
        "_due",
        "_eof",
        "_frames",
        "_from_peer",
        "_is_closing",
        "_is_lost",
        "_outbound",
        "_paused",
        "_room",
        "_setup",
        "_stalled_in",
        "_stalled_out",
        "_to_peer",
        "_watcher",
        "cid",
        "is_route",
        "mutes",
        "name",
        "server_id",
        "sids",
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
        """From the peer, not handed on yet."""
        self._outbound: deque[bytes] = deque()
        self._due: Timer | None = None
        """While input is delayed."""
        self._paused = False
        self._stalled_in = self._stalled_out = False
        self._delays = 0
        """Messages to the peer that are delayed; what follows them waits too."""
        self._eof = self._is_closing = self._is_lost = False
        self.mutes = False
        """Whether all that is sent to the peer is lost."""
        self.cid = 0
        self.name = self.user = self.server_id = ""
        self.is_route = False
        self.sids: dict[bytes, str] = {}

    def queue_of(self, sid: bytes) -> str:
        """See `rules.FaultPeer`."""
        self._watcher.find(self)
        return self.sids.get(sid, "")

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
            self._from_peer = FrameSplitter()
            self._room = memoryview(bytearray(_ROOM))

    def resume_after(self, unprocessed: bytes) -> None:
        """The server has this already, from the beginning of a line on: know where the next one begins."""
        if self._from_peer is not None:
            self._from_peer.feed(unprocessed)

    def connection_lost(self, error: Exception | None) -> None:
        """See `Upper`."""
        self._is_lost = True
        self._frames.clear()
        self._outbound.clear()
        if self._due is not None:
            self._due.cancel()
        self._watcher.left(self)
        super().connection_lost(error)

    def cut(self) -> None:
        """End the link now."""
        if not self._is_lost:
            self.upper.abort_link()

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
        if self._frames:
            self._eof = True
            return True
        return self.upper.eof_received()

    def _pump(self) -> None:
        """Hand on what may be handed on."""
        while self._frames and not self._waits() and not self._is_lost:
            if not self.upper.is_open:
                self._frames.clear()
                break
            self._receive(self._frames.popleft())
        if self._eof and not self._frames and not self._is_lost:
            self._eof = False
            self.upper.eof_received()

    def _waits(self) -> bool:
        return self._paused or self._stalled_in or self._due is not None

    def _receive(self, frame: Frame) -> None:
        """Hand a frame on, as the rules have it."""
        if frame.verb in (b"CONNECT", b"INFO"):
            self._learn(frame)
        rules = self._watcher.judge(self, IN, frame)
        copies = 1
        for rule in rules:
            if rule.kind is FaultKind.CUT:
                self.cut()
                return
            if rule.kind is FaultKind.REFUSE:
                self.lower.write(b"-ERR '%b'\r\n" % rule.text.encode())
                self.upper.close_link()
                return
            if rule.kind is FaultKind.ERROR:
                self.lower.write(b"-ERR '%b'\r\n" % rule.text.encode())
                copies = 0
            elif rule.kind is FaultKind.DROP:
                copies = 0
            elif rule.kind is FaultKind.DUPLICATE:
                copies += rule.copies if copies else 0
        seconds = sum(rule.seconds for rule in rules if rule.kind is FaultKind.DELAY)
        if seconds and copies:
            self._watcher.seen(self, IN, frame)
            self._wait(seconds, frame.raw * copies)
        else:
            self._pass_up(frame, copies)

    def _wait(self, seconds: float, data: bytes) -> None:
        def go_on() -> None:
            self._due = None
            if not self._is_lost:
                self._hand_over(data)
                self._pump()

        self._due = self._setup.scheduler.call_later(seconds, go_on)

    def _pass_up(self, frame: Frame, copies: int) -> None:
        for _ in range(copies):
            self._watcher.seen(self, IN, frame)
            self._hand_over(frame.raw)

    def _hand_over(self, data: bytes) -> None:
        left = memoryview(data)
        while left and not self._is_lost and self.upper.is_open:
            room = self.upper.get_buffer(len(left))
            piece = left[: len(room)]
            room[: len(piece)] = piece
            self.upper.buffer_updated(len(piece))
            left = left[len(piece) :]

    def _learn(self, frame: Frame) -> None:
        """Who the peer is."""
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
            self._put(frame.raw * self._send(frame))

    def writelines(self, chunks: list[bytes]) -> None:
        """See `Lower`."""
        if self._from_peer is None:
            self.lower.writelines(chunks)
        else:
            self.write(b"".join(chunks))

    def _send(self, frame: Frame) -> int:
        """How often a frame is sent."""
        copies = 0 if self.mutes else 1
        for rule in self._watcher.judge(self, OUT, frame):
            if rule.kind is FaultKind.CUT:
                self._is_closing = True
                self._setup.scheduler.call_soon(self.cut)
                return 0
            if rule.kind is FaultKind.DROP:
                copies = 0
            elif rule.kind is FaultKind.DUPLICATE:
                copies += rule.copies if copies else 0
            elif rule.kind is FaultKind.DELAY:
                self._delays += 1
                self._setup.scheduler.call_later(rule.seconds, self._end_delay)
        if copies:
            self._watcher.seen(self, OUT, frame)
        return copies

    def _end_delay(self) -> None:
        self._delays -= 1
        if not self._is_lost:
            self._release()

    def _put(self, data: bytes) -> None:
        if self._stalled_out or self._delays:
            self._outbound.append(data)
        elif data:
            self.lower.write(data)

    def get_write_buffer_size(self) -> int:
        """See `Lower`: what a stall holds is not passed on."""
        return self.lower.get_write_buffer_size() + sum(map(len, self._outbound))

    def pause_reading(self) -> None:
        """See `Lower`."""
        self._paused = True
        self.lower.pause_reading()

    def resume_reading(self) -> None:
        """See `Lower`: what is held is delivered after this call."""
        self._paused = False
        if not self._stalled_in:
            self.lower.resume_reading()
        if self._frames:
            self._setup.scheduler.call_soon(self._pump)

    def close(self) -> None:
        """See `Lower`: what a stall holds is lost."""
        self._outbound.clear()
        super().close()

    # --- stalls ----------------------------------------------------------------------------

    def stall(self, direction: str, *, stalled: bool) -> None:
        """Stop reading from the peer (``in``) or writing to it (``out``), or go on."""
        if direction == IN and stalled != self._stalled_in:
            self._stalled_in = stalled
            if stalled:
                self.lower.pause_reading()
            elif not self._paused:
                self.resume_reading()
        elif direction == OUT and stalled != self._stalled_out:
            self._stalled_out = stalled
            if not stalled:
                self._release()

    def _release(self) -> None:
        if self._stalled_out or self._delays:
            return
        held = b"".join(self._outbound)
        self._outbound.clear()
        if held:
            self.lower.write(held)
        if not self.lower.get_write_buffer_size():
            self.upper.resume_writing()  # or else the lower calls it, when it has sent enough
