"""The client end of a websocket, driven by a test, with the library's client side."""

from typing import Self

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from tests.support.raw_client import ByteSink, ByteSource

_PIECE = 64 * 1024
_MESSAGE = 1024 * 1024
_DATA = (Opcode.BINARY, Opcode.CONT)


class WebsocketStream:
    """A client's websocket over the streams of another link; it reads and writes as they do.

    The server's close is the end of file.
    """

    def __init__(self, source: ByteSource, sink: ByteSink, *, deflate: bool) -> None:
        self._source = source
        self._sink = sink
        extensions = [ClientPerMessageDeflateFactory()] if deflate else None
        self._protocol = ClientProtocol(parse_uri("ws://localhost/"), extensions=extensions, max_size=None)
        self._received = bytearray()
        self._ended = False

    @classmethod
    async def opened(cls, source: ByteSource, sink: ByteSink, *, deflate: bool = False) -> Self:
        """One whose request was answered; raises what the library says if it was refused."""
        stream = cls(source, sink, deflate=deflate)
        protocol = stream._protocol
        protocol.send_request(protocol.connect())
        stream._flush()
        while protocol.handshake_exc is None and protocol.state.name == "CONNECTING":
            await stream._fill()
        if protocol.handshake_exc is not None:
            raise protocol.handshake_exc
        return stream

    @property
    def close_code(self) -> int | None:
        """The status with which the server closed; None if it did not."""
        return self._protocol.close_rcvd.code if self._protocol.close_rcvd is not None else None

    async def read(self, n: int) -> bytes:
        """From 1 to `n` bytes, none at the end; raises `ConnectionError` when the link is cut."""
        while not self._received and not self._ended:
            await self._fill()
        taken = bytes(self._received[:n])
        del self._received[:n]
        return taken

    def write(self, data: bytes) -> None:
        """Send it in messages, as long ones as a client may collect."""
        if self._protocol.state.name == "OPEN":
            for at in range(0, len(data), _MESSAGE):
                self._protocol.send_binary(data[at : at + _MESSAGE])
            self._flush()
        else:  # the server has closed: the link will say so
            self._sink.write(data)

    def ping(self, data: bytes) -> None:
        """Ask for a pong."""
        self._protocol.send_ping(data)
        self._flush()

    async def drain(self) -> None:
        """Wait until little is left to send."""
        await self._sink.drain()

    def write_eof(self) -> None:
        """Say that no more comes: a websocket is closed by that."""
        self._protocol.send_close(1000)
        self._flush()

    def close(self) -> None:
        """End the link, without a goodbye."""
        self._sink.close()

    async def _fill(self) -> None:
        data = await self._source.read(_PIECE)
        if not data:
            self._ended = True
            raise ConnectionAbortedError("the link ended without the goodbye of the websocket")
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in _DATA:
                self._received += event.data
        self._ended = self._protocol.close_rcvd is not None
        self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._sink.write(data)
