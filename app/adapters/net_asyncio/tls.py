"""TLS between an event loop and a wire.

    loop  <- ciphertext ->  TlsLayer  <- plaintext ->  TcpWire  <->  handler

To the loop the layer is a protocol, to the wire it is what a transport is; so the wire
is the same as over plain TCP, with all it promises about the end of a link. Nothing is
kept twice: what comes in is decrypted straight into the room that the handler reserved,
and what goes out is handed to the loop in the call that wrote it.

A link goes through these phases:

    CLEAR    nothing is protected: a client is greeted, or a link is turned away
    SHAKING  the handshake is under way; what the handler writes waits for its end
    SECURE   bytes travel in both directions
    OVER     we have said that we send no more; what comes in is dropped

A peer that never speaks TLS, or none in time, reads so in clear text, as with gnatsd
(client-protocol.md, section 13). Once it has begun a handshake nothing is said in clear text any
more: its library would take that for a wrong version of TLS. An alert, if there is one, says why.

What goes wrong in a call of the loop, a want of memory included, ends the one link.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol, cast

from app.adapters.net_asyncio.guarding import guarded
from app.adapters.net_asyncio.handshakes import Crowd, Patience, Turnstile
from app.adapters.net_asyncio.protocol import Scheduler, TcpWire
from app.adapters.net_asyncio.tls_context import plain_tls_reason
from app.adapters.net_asyncio.tls_facts import (
    HandshakeComplete,
    HandshakeFailed,
    HandshakeStarting,
    ProtectionBroken,
    SecurityAgreed,
)
from app.domain.cipher_suites import iana_name
from app.domain.events import Event
from app.domain.security import Security
from app.ports.transport import HIGH_WATER

CIPHERTEXT_BYTES = 64 * 1024
"""How much is read from the system at once, and so how much may wait while a link is paused."""

SEAL_BYTES = 64 * 1024
"""How much is encrypted before it is fetched from OpenSSL, whose buffers never shrink."""

REPLY_BYTES = 64 * 1024
"""How much TLS itself may answer to a peer that takes none of it, such as to requests for new keys."""

REFUSAL = b"-ERR 'Secure Connection - TLS Required'\r\n"

_HANDSHAKE_RECORD = 0x16
"""The first byte of whoever speaks TLS."""


class _Phase(Enum):
    CLEAR = auto()
    SHAKING = auto()
    SECURE = auto()
    OVER = auto()


class _Engine(Protocol):
    """What is used of `ssl.SSLObject`, with the types that it has when it fills a buffer."""

    def do_handshake(self) -> None: ...

    def read(self, size: int, room: memoryview, /) -> int: ...

    def write(self, data: memoryview, /) -> int: ...

    def unwrap(self) -> object: ...

    def pending(self) -> int: ...

    def version(self) -> str | None: ...

    def cipher(self) -> tuple[str, str, int] | None: ...


@dataclass(frozen=True, slots=True)
class TlsTerms:
    """How the links of one listener, or dialer, are protected."""

    context: ssl.SSLContext
    timeout: float
    """Seconds that a peer may take for its part of the handshake."""
    record: Callable[[Event], None]
    """Told of each handshake."""
    for_routes: bool = False
    """A client is greeted in clear text before the handshake; a route is accepted after it."""


class Protection:
    """What the protected links of one loop share."""

    __slots__ = ("crowd", "room", "scheduler", "terms", "turnstile")

    def __init__(self, terms: TlsTerms, scheduler: Scheduler) -> None:
        self.terms = terms
        self.scheduler = scheduler
        self.crowd = Crowd()
        self.turnstile = Turnstile(scheduler)
        self.room = memoryview(bytearray(CIPHERTEXT_BYTES))


class TlsLayer(asyncio.BufferedProtocol):
    """One protected link. It is a `protocol.Carrier` for its wire."""

    __slots__ = (
        "_at_end",
        "_engine",
        "_error",
        "_heard",
        "_incoming",
        "_input_over",
        "_outgoing",
        "_patience",
        "_paused",
        "_phase",
        "_protection",
        "_refused",
        "_replied",
        "_resuming",
        "_stopped",
        "_transport",
        "_unsent",
        "_we_dial",
        "_wire",
    )

    _transport: asyncio.Transport

    def __init__(
        self,
        protection: Protection,
        wire: TcpWire,
        *,
        server_name: str | None = None,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        """With a `server_name` we are the client; `refused` then hears of failure, instead of the log.

        Raises `ValueError` for a name that no server can have.
        """
        self._protection = protection
        self._wire = wire
        self._refused = refused
        self._we_dial = server_name is not None
        self._phase = _Phase.CLEAR
        self._patience = Patience(protection.scheduler, protection.terms.timeout, self._run_out)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._engine = cast(
            "_Engine",
            protection.terms.context.wrap_bio(
                self._incoming, self._outgoing, server_side=not self._we_dial, server_hostname=server_name
            ),
        )
        self._unsent: list[bytes] = []
        self._heard = False
        """Whether the peer has begun to speak TLS."""
        self._paused = False
        self._resuming = False
        self._stopped = False
        """Whether TLS gives no more input: the peer said its last, or nonsense."""
        self._at_end = False
        """Whether the loop reads no more: the peer's end of file is in, or the transport was ended."""
        self._input_over = False
        """Whether the wire was told of either."""
        self._error: Exception | None = None
        self._replied = 0

    # --- driven by the event loop ----------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._begin()

    @guarded
    def _begin(self) -> None:
        self._wire.attach(self)
        if not self._protection.terms.for_routes:
            self._wire.accept()
        if self._wire.is_open:
            self._shake_hands()

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._protection.room

    def buffer_updated(self, nbytes: int) -> None:
        try:
            record = self._protection.room[:nbytes]
            if self._phase is _Phase.SECURE:
                self._incoming.write(record)
                self._read()
            elif self._phase is _Phase.SHAKING:
                self._listen(record)
        except Exception as error:  # noqa: BLE001 - as `guarded`, without a further call for each read
            self.fail(error)

    @guarded
    def eof_received(self) -> bool:
        """Answer whether the link stays half open; a paused link has to read what came before."""
        if self._phase is _Phase.SHAKING:
            self._turn_away("EOF")
        self._at_end = True
        return (self._phase is _Phase.SECURE and self._holds_input()) or self._end_input()

    @guarded
    def resume_writing(self) -> None:
        self._wire.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._note_loss(exc)
        self._wire.connection_lost(exc or self._error)
        # Break the circles of references, so that memory returns without the collector.
        del self._wire, self._patience

    @guarded
    def _note_loss(self, exc: Exception | None) -> None:
        was_shaking = self._phase is _Phase.SHAKING
        self._at_end = True
        self._enter(_Phase.OVER)
        if was_shaking:
            self._report_failure("EOF" if exc is None else plain_tls_reason(exc))

    def fail(self, error: Exception) -> None:
        """End the link because of a defect; it is reported as one of the wire."""
        self.abort()
        self._wire.fail(error)

    # --- asked by the wire -------------------------------------------------------

    def write(self, data: bytes) -> None:
        if self._phase is _Phase.SECURE:
            self._seal(data)
        elif self._phase is _Phase.CLEAR:
            self._transport.write(data)
        elif self._phase is _Phase.SHAKING:
            self._unsent.append(data)

    def writelines(self, chunks: list[bytes]) -> None:
        self.write(b"".join(chunks))

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size() + sum(map(len, self._unsent))

    def get_extra_info(self, name: str) -> Any:  # noqa: ANN401 - whatever asyncio has there
        return self._transport.get_extra_info(name)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._transport.set_write_buffer_limits(high, low)

    def pause_reading(self) -> None:
        self._paused = True
        if self._phase is _Phase.SECURE:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._paused = False
        if not self._resuming and self._phase is not _Phase.SHAKING:
            self._resuming = True
            self._protection.scheduler.call_soon(self._resume)

    def write_eof(self) -> None:
        self._say_goodbye()
        self._transport.write_eof()

    def close(self) -> None:
        self._say_goodbye()
        self._at_end = True
        self._transport.close()

    def abort(self) -> None:
        self._enter(_Phase.OVER)
        self._at_end = True
        self._transport.abort()

    # --- the handshake -----------------------------------------------------------

    def _shake_hands(self) -> None:
        kind = "route" if self._protection.terms.for_routes else "client"
        side = "client" if self._we_dial else "server" if kind == "route" else "connection"
        self._protection.terms.record(HandshakeStarting(self._wire.link, f"{kind} {side}"))
        self._enter(_Phase.SHAKING)
        self._protection.crowd.enter()
        if self._we_dial:
            self._protection.turnstile.enter(self._step)
        else:
            self._patience.wait()

    def _listen(self, record: memoryview) -> None:
        """Take what the peer says, and read no more until our answer has had its turn."""
        if not self._heard and record[0] != _HANDSHAKE_RECORD:
            self._turn_away("first record does not look like a TLS handshake")
            return
        self._heard = True
        self._incoming.write(record)
        self._patience.rest()
        self._transport.pause_reading()
        self._protection.turnstile.enter(self._step)

    @guarded
    def _step(self) -> None:
        if self._phase is not _Phase.SHAKING:
            return
        try:
            self._engine.do_handshake()
        except ssl.SSLWantReadError:
            self._speak()
            self._patience.wait()
            self._read_on()
        except ssl.SSLError as error:
            self._speak()
            self._turn_away(plain_tls_reason(error))
        else:
            self._speak()
            self._become_secure()

    def _speak(self) -> None:
        self._transport.write(self._outgoing.read())

    @guarded
    def _run_out(self) -> None:
        self._turn_away("timeout")

    def _turn_away(self, reason: str) -> None:
        """End the link; a peer that has said nothing of TLS hears that there is none without."""
        self._report_failure(reason)
        self._enter(_Phase.OVER)
        if self._we_dial:
            self._wire.abort()
            return
        if not self._heard:
            self._transport.write(REFUSAL)
        self._wire.close()

    def _report_failure(self, reason: str) -> None:
        terms, link = self._protection.terms, self._wire.link
        if self._refused is not None:
            self._refused(f"TLS handshake error: {reason}")
        elif terms.for_routes:
            terms.record(HandshakeFailed(link, "route ", f"{self._wire.peer}: {reason}"))
        else:
            terms.record(HandshakeFailed(link, "", reason))

    def _become_secure(self) -> None:
        security = _agreed_by(self._engine)
        self._enter(_Phase.SECURE)
        self._wire.security = security
        if self._protection.terms.for_routes:
            self._wire.accept()
        link, record = self._wire.link, self._protection.terms.record
        record(HandshakeComplete(link))
        record(SecurityAgreed(link, security.version, security.cipher_suite))
        self._send_unsent()
        self._wire.open()
        self._resume()

    def _send_unsent(self) -> None:
        """Send what the handler wrote during the handshake, and see to a close that waits for it."""
        unsent, self._unsent = b"".join(self._unsent), []
        self.write(unsent)
        if not self._wire.is_open or len(unsent) > HIGH_WATER:
            self._wire.resume_writing()

    # --- bytes -------------------------------------------------------------------

    def _seal(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                piece, view = view[:SEAL_BYTES], view[SEAL_BYTES:]
                while piece:  # a call of OpenSSL takes one record
                    piece = piece[self._engine.write(piece) :]
                self._transport.write(self._outgoing.read())
        except ssl.SSLError as error:
            self._break(error)

    def _read(self) -> None:
        """Decrypt into the handler's room and hand on, until all is used up or the link is paused."""
        count = 1
        while count and self._phase is _Phase.SECURE and not self._paused and self._holds_input():
            count = self._unseal(self._wire.get_buffer(-1))
            if count:
                self._wire.buffer_updated(count)
        if self._phase is _Phase.SECURE:
            self._reply()
        if self._phase is not _Phase.SECURE or self._paused:
            return
        if self._error is not None:
            self._break(self._error)
        elif (self._stopped or self._at_end) and not self._end_input():
            self.close()

    def _unseal(self, room: memoryview) -> int:
        """Fill the room as far as the input goes; return how much of it."""
        filled = 0
        try:
            while filled < len(room) and self._holds_input():
                count = self._engine.read(len(room) - filled, room[filled:])
                self._stopped = not count
                filled += count
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._stopped = True
            self._error = error
        return filled

    def _holds_input(self) -> bool:
        return not self._stopped and bool(self._incoming.pending or self._engine.pending())

    def _reply(self) -> None:
        """Send what TLS itself has to say, such as new keys; a peer that takes none of it is cut."""
        if not self._outgoing.pending:
            return
        reply = self._outgoing.read()
        self._replied = self._replied + len(reply) if self._transport.get_write_buffer_size() else 0
        if self._replied > REPLY_BYTES:
            self._break(ConnectionAbortedError("the peer asks TLS for replies and takes none"))
        else:
            self._transport.write(reply)

    @guarded
    def _resume(self) -> None:
        """Read what has been kept, and then on."""
        self._resuming = False
        if self._phase is _Phase.SECURE:
            self._read()
        if not self._paused or self._phase is _Phase.OVER:
            self._read_on()

    def _read_on(self) -> None:
        if not self._at_end:
            self._transport.resume_reading()

    # --- the end -----------------------------------------------------------------

    def _end_input(self) -> bool:
        """Tell the wire, once, that no more comes in; answer whether the link stays half open."""
        if self._input_over:
            return self._wire.is_open
        self._input_over = True
        return self._wire.eof_received()

    def _say_goodbye(self) -> None:
        """Tell the peer that no more comes, so that it can tell our end from a link that was cut."""
        if self._phase is _Phase.SECURE:
            with suppress(ssl.SSLError):  # it would wait for the peer's goodbye; we do not
                self._engine.unwrap()
            self._transport.write(self._outgoing.read())
        self._enter(_Phase.OVER)

    def _break(self, error: Exception) -> None:
        """Cut a link whose bytes make no sense; OpenSSL may have a word to say about it."""
        self._error = error
        self._protection.terms.record(ProtectionBroken(self._wire.link, plain_tls_reason(error)))
        self._transport.write(self._outgoing.read())
        self.abort()

    def _enter(self, phase: _Phase) -> None:
        if self._phase is _Phase.SHAKING:
            self._protection.crowd.leave()
        self._phase = phase
        self._patience.rest()
        if phase is _Phase.OVER:
            self._unsent.clear()


def _agreed_by(engine: _Engine) -> Security:
    cipher = engine.cipher()
    name = "" if cipher is None else iana_name(cipher[0])
    return Security((engine.version() or "").removeprefix("TLSv"), name)
