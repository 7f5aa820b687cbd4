"""TLS between a transport and a wire, or between any two layers.

    lower  <- ciphertext ->  TlsLayer  <- plaintext ->  upper

The wire above is the same as over plain TCP, with all it promises about the end of a link.
Nothing is kept twice: what comes in is decrypted straight into the room that the handler
reserved, and what goes out is handed down in the call that wrote it.

A link goes through these phases:

    CLEAR    nothing is protected: a client is greeted, or a link is turned away
    SHAKING  the handshake is under way; what the handler writes waits for its end
    SECURE   bytes travel in both directions
    OVER     we have said that we send no more; what comes in is dropped

A peer that never speaks TLS, or none in time, reads so in clear text, as with gnatsd
(client-protocol.md, section 13). Once it has begun a handshake nothing is said in clear text any
more: its library would take that for a wrong version of TLS. An alert, if there is one, says why.

What goes wrong in a call of the loop, a lack of memory included, ends the one link.
"""

import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from enum import Enum, auto
from typing import cast

from ...domain.events import Event
from ...domain.rates import Bucket
from ...domain.security.certificate_key import key_pin
from ...domain.value_object import value_object
from ...ports.guarding import guarded
from ...ports.layers import LinkSetup, Upper
from ...ports.transport import HIGH_WATER
from .buffering_layer import BufferingLayer
from .certificate_names import prepare
from .handshakes import HandshakeTimer, StepQueue
from .tls_context import plain_tls_reason
from .tls_engine import TlsEngine, agreed_by
from .tls_events import (
    HandshakeComplete,
    HandshakeFailed,
    HandshakeStarting,
    ProtectionBroken,
    SecurityAgreed,
)

CIPHERTEXT_BYTES = 64 * 1024
"""How much is read from below at once, until that much comes; and how much is given to OpenSSL at once."""

MOST_CIPHERTEXT = 256 * 1024
"""How much is read at once from then on, and so how much may wait while a link is paused."""

SEAL_BYTES = 64 * 1024
"""How much is encrypted before it is fetched from OpenSSL, whose buffers never shrink."""

REPLY_BYTES = 64 * 1024
"""How much TLS itself may answer to a peer that takes none of it, such as to requests for new keys."""

REFUSAL = b"-ERR 'Secure Connection - TLS Required'\r\n"

HANDSHAKE_RECORD = 0x16
"""The first byte of a peer that speaks TLS."""


class _Phase(Enum):
    CLEAR = auto()
    SHAKING = auto()
    SECURE = auto()
    OVER = auto()


@value_object
class TlsSettings:
    """How the links of one listener, or dialer, are protected."""

    context: ssl.SSLContext
    timeout: float
    """Seconds that a peer may take for its part of the handshake."""
    record: Callable[[Event], None]
    """Logs each handshake."""
    for_routes: bool = False
    """A client is greeted in clear text before the handshake; a route is accepted after it."""
    peers: str = ""
    """What the log calls peers that are neither clients nor routes."""
    identify: bool = False
    """Whether the names in the peer's certificate are read, for its login."""
    first: bool = False
    """Whether a client, too, is accepted after it, and hears nothing in clear text."""
    rate: int = 0
    """Handshakes of accepted links that begin within a second; further links are closed. 0: no limit."""
    pins: frozenset[str] = frozenset()
    """Keys of certificates, one of which the peer must show, as `key_pin` has them; empty for any."""

    @property
    def kind(self) -> str:
        """What the log calls these peers."""
        return self.peers or ("route" if self.for_routes else "client")


class TlsLayers:
    """Makes the TLS layer of each link of a listener or dialer, and holds what they share.

    The place of the context: what `replace_context` puts there counts for new handshakes.
    """

    __slots__ = ("_bucket", "_steps", "room", "settings")

    def __init__(self, settings: TlsSettings) -> None:
        self.settings = settings
        if settings.identify:
            prepare()
        self.room = memoryview(bytearray(MOST_CIPHERTEXT))
        """Where ciphertext is read to; one for all links, which are driven one after the other."""
        self._steps: StepQueue | None = None
        self._bucket: Bucket | None = None

    def admits(self, now: float) -> bool:
        """Whether one more handshake may begin now."""
        rate = self.settings.rate
        if not rate:
            return True
        if self._bucket is None or self._bucket.rate != rate:
            self._bucket = Bucket(rate, now)
        return self._bucket.admits(now)

    def __call__(self, upper: Upper, setup: LinkSetup) -> "TlsLayer":
        """The layer of one link. Raises `ValueError` for a host that no certificate can bear."""
        if self._steps is None:
            self._steps = StepQueue(setup.scheduler)
        return TlsLayer(self, self._steps, upper, setup)

    def replace_context(self, context: ssl.SSLContext) -> None:
        """Use another certificate, or other authorities, from now on; links that are there keep theirs."""
        self.settings = replace(self.settings, context=context)


class TlsLayer(BufferingLayer):
    """One protected link."""

    __slots__ = (
        "_engine",
        "_error",
        "_heard",
        "_incoming",
        "_layers",
        "_outgoing",
        "_phase",
        "_read_bytes",
        "_replied",
        "_settings",
        "_steps",
        "_stopped",
        "_timer",
        "_unread",
        "_unsent",
        "_we_dial",
        "is_greeted",
    )

    def __init__(self, layers: TlsLayers, steps: StepQueue, upper: Upper, setup: LinkSetup) -> None:
        """Where we dialed, we are the client. Raises `ValueError` for a name that no server can have."""
        super().__init__(upper, setup)
        self._read_bytes = CIPHERTEXT_BYTES
        self._unread = layers.room[:0]
        """Ciphertext that OpenSSL does not have yet; it lies in the room, which is that of all links."""
        self._layers = layers
        self._settings = layers.settings
        self._steps = steps
        self._we_dial = setup.dialed is not None
        self._phase = _Phase.CLEAR
        self.is_greeted = False
        """Whether the acceptor was asked."""
        self._timer = HandshakeTimer(setup.scheduler, self._settings.timeout, self._run_out)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._engine = cast(
            "TlsEngine",
            self._settings.context.wrap_bio(
                self._incoming, self._outgoing, server_side=not self._we_dial, server_hostname=setup.dialed
            ),
        )
        self._unsent: list[bytes] = []
        self._heard = False
        """Whether the peer has begun to speak TLS."""
        self._stopped = False
        """Whether TLS gives no more input: the peer said its last, or nonsense."""
        self._error: Exception | None = None
        self._replied = 0

    # --- the upper side ----------------------------------------------------------

    def accept(self) -> None:
        """A client is accepted in clear text, a route after its handshake."""
        if not self._settings.for_routes and not self._settings.first:
            self.greet()

    def greet(self) -> None:
        """Ask for the handler now."""
        self.is_greeted = True
        self.upper.accept()

    def step_aside(self) -> tuple[Upper, bool]:
        """Leave a link that is not to be protected: its upper, and whether that wants no input."""
        upper = self.upper
        del self.upper, self._timer  # circles of references
        return upper, self._paused

    @guarded
    def open(self) -> None:
        """Begin the handshake, unless the link was refused."""
        if self.upper.is_open:
            self._shake_hands()
            if not self._we_dial and not self._layers.admits(self._setup.scheduler.monotonic()):
                self._heard = True  # there is nothing to say in clear text
                self._turn_away(f"too many handshakes, connection_rate_limit is {self._settings.rate}")

    def get_buffer(self, _sizehint: int) -> memoryview:
        """The room for ciphertext."""
        return self._layers.room[: self._read_bytes]

    def buffer_updated(self, nbytes: int) -> None:
        """Decrypt, or go on with the handshake."""
        try:
            record = self._layers.room[:nbytes]
            if self._phase is _Phase.SECURE:
                self._unread = record
                self._read_bytes = CIPHERTEXT_BYTES if nbytes < CIPHERTEXT_BYTES else MOST_CIPHERTEXT
                self._read()
                self._give(MOST_CIPHERTEXT)
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
        """Pass it on."""
        self.upper.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """Pass it on, with the cause that is known here."""
        self._note_loss(error)
        super().connection_lost(error or self._error)
        del self._timer  # a circle of references, as is `upper`

    @guarded
    def _note_loss(self, exc: Exception | None) -> None:
        was_shaking = self._phase is _Phase.SHAKING
        self._at_end = True
        self._enter(_Phase.OVER)
        if was_shaking:
            self._report_failure("EOF" if exc is None else plain_tls_reason(exc))

    # --- the lower side ----------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Encrypt and send; during the handshake it waits."""
        if self._phase is _Phase.SECURE:
            self._seal(data)
        elif self._phase is _Phase.CLEAR:
            self.lower.write(data)
        elif self._phase is _Phase.SHAKING:
            self._unsent.append(data)

    def get_write_buffer_size(self) -> int:
        """Bytes of ciphertext, and what waits for the handshake."""
        return self.lower.get_write_buffer_size() + sum(map(len, self._unsent))

    def pause_reading(self) -> None:
        """Keep what comes in, encrypted."""
        self._paused = True
        if self._phase is _Phase.SECURE:
            self.lower.pause_reading()

    def resume_reading(self) -> None:
        """Deliver what was kept, later, and read on; the end of a handshake does that, too."""
        if self._phase is _Phase.SHAKING:
            self._paused = False
        else:
            super().resume_reading()

    # --- the handshake -----------------------------------------------------------

    def _shake_hands(self) -> None:
        kind = self._settings.kind
        side = "client" if self._we_dial else "server" if self._settings.for_routes else "connection"
        self._settings.record(HandshakeStarting(self.upper.link, f"{kind} {side}"))
        self._enter(_Phase.SHAKING)
        self._setup.limit.enter()
        if self._we_dial:
            self._steps.enter(self._step)
        else:
            self._timer.wait()

    def _listen(self, record: memoryview) -> None:
        """Take what the peer says, and read no more until our answer has had its turn."""
        if not self._heard and record[0] != HANDSHAKE_RECORD:
            self._turn_away("first record does not look like a TLS handshake")
            return
        self._heard = True
        self._incoming.write(record)
        self._timer.stop()
        self.lower.pause_reading()
        self._steps.enter(self._step)

    @guarded
    def _step(self) -> None:
        if self._phase is not _Phase.SHAKING:
            return
        try:
            self._engine.do_handshake()
        except ssl.SSLWantReadError:
            self._speak()
            self._timer.wait()
            self._read_on()
        except ssl.SSLError as error:
            self._speak()
            self._turn_away(plain_tls_reason(error))
        else:
            self._speak()
            if self._is_pinned():
                self._become_secure()
            else:
                self._turn_away("certificate not pinned")

    def _is_pinned(self) -> bool:
        """Whether the peer's certificate is one of those that are asked for."""
        if not self._settings.pins:
            return True
        certificate = self._engine.getpeercert(True)  # noqa: FBT003 - as ssl has it
        return certificate is not None and key_pin(certificate) in self._settings.pins

    def _speak(self) -> None:
        self.lower.write(self._outgoing.read())

    @guarded
    def _run_out(self) -> None:
        self._turn_away("timeout")

    def _turn_away(self, reason: str) -> None:
        """End the link; a peer that has said nothing of TLS hears that there is none without."""
        self._report_failure(reason)
        self._enter(_Phase.OVER)
        if self._we_dial:
            self.upper.abort_link()
            return
        if not self._heard and (self.is_greeted or not self._settings.first):
            self.lower.write(REFUSAL)
        self.upper.close_link()

    def _report_failure(self, reason: str) -> None:
        settings, link = self._settings, self.upper.link
        if self._setup.refused is not None:
            self._setup.refused(f"TLS handshake error: {reason}")
        elif not self.is_greeted:
            settings.record(HandshakeFailed(link, f"{settings.kind} ", f"{self.upper.peer}: {reason}"))
        else:
            settings.record(HandshakeFailed(link, settings.peers and f"{settings.peers} ", reason))

    def _become_secure(self) -> None:
        security = agreed_by(self._engine, identify=self._settings.identify)
        self._enter(_Phase.SECURE)
        self.upper.protect(security)
        if not self.is_greeted:
            self.greet()
        link, record = self.upper.link, self._settings.record
        record(HandshakeComplete(link))
        record(SecurityAgreed(link, security.version, security.cipher_suite))
        self._send_unsent()
        self.upper.open()
        self._resume()

    def _send_unsent(self) -> None:
        """Send what the handler wrote during the handshake, and see to a close that waits for it."""
        unsent, self._unsent = b"".join(self._unsent), []
        self.write(unsent)
        if not self.upper.is_open or len(unsent) > HIGH_WATER:
            self.upper.resume_writing()

    # --- bytes -------------------------------------------------------------------

    def _seal(self, data: bytes) -> None:
        view, sealed = memoryview(data), list[bytes]()
        try:
            while view:
                piece, view = view[:SEAL_BYTES], view[SEAL_BYTES:]
                while piece:  # a call of OpenSSL takes one record
                    piece = piece[self._engine.write(piece) :]
                sealed.append(self._outgoing.read())
        except ssl.SSLError as error:
            self._break(error)
            return
        if len(sealed) == 1:
            self.lower.write(sealed[0])
        else:
            self.lower.writelines(sealed)

    def _read(self) -> None:
        """Decrypt into the handler's room and hand on, until all is used up or the link is paused."""
        count = 1
        while count and self._phase is _Phase.SECURE and not self._paused and self._holds_input():
            count = self._unseal(self.upper.get_buffer(-1))
            if count:
                self.upper.buffer_updated(count)
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
                if not self._incoming.pending:
                    self._give()
                try:
                    count = self._engine.read(len(room) - filled, room[filled:])
                except ssl.SSLWantReadError:  # in the middle of a record
                    if not self._unread:
                        break
                    self._give()
                else:
                    self._stopped = not count
                    filled += count
        except ssl.SSLError as error:
            self._stopped = True
            self._error = error
        return filled

    def _give(self, most: int = CIPHERTEXT_BYTES) -> None:
        """Let OpenSSL have some of the ciphertext."""
        if self._unread:
            self._incoming.write(self._unread[:most])
            self._unread = self._unread[most:]

    def _holds_input(self) -> bool:
        return not self._stopped and bool(self._unread or self._incoming.pending or self._engine.pending())

    def _reply(self) -> None:
        """Send what TLS itself has to say, such as new keys; a peer that takes none of it is cut."""
        if not self._outgoing.pending:
            return
        reply = self._outgoing.read()
        self._replied = self._replied + len(reply) if self.lower.get_write_buffer_size() else 0
        if self._replied > REPLY_BYTES:
            self._break(ConnectionAbortedError("the peer asks TLS for replies and takes none"))
        else:
            self.lower.write(reply)

    def _deliver(self) -> None:
        if self._phase is _Phase.SECURE:
            self._read()

    def _discards_input(self) -> bool:
        return self._phase is _Phase.OVER

    # --- the end -----------------------------------------------------------------

    def _say_goodbye(self) -> None:
        """Say that no more comes, so that the peer can tell our end from a link that was cut."""
        if self._phase is _Phase.SECURE:
            with suppress(ssl.SSLError):  # it would wait for the peer's goodbye; we do not
                self._engine.unwrap()
            self.lower.write(self._outgoing.read())
        self._finish()

    def _finish(self) -> None:
        self._enter(_Phase.OVER)

    def _break(self, error: Exception) -> None:
        """Cut a link whose bytes make no sense; OpenSSL may have a word to say about it."""
        reason = plain_tls_reason(error)
        self._error = ConnectionAbortedError(f"TLS error: {reason}")
        self._settings.record(ProtectionBroken(self.upper.link, reason))
        self.lower.write(self._outgoing.read())
        self.abort()

    def _enter(self, phase: _Phase) -> None:
        if self._phase is _Phase.SHAKING:
            self._setup.limit.leave(completed=phase is _Phase.SECURE)
        self._phase = phase
        self._timer.stop()
        if phase is _Phase.OVER:
            self._unsent.clear()
