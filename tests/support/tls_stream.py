"""The client end of a TLS link, driven by a test, with features that asyncio's TLS lacks.

It half-closes, leaves bytes unread in the kernel, and distinguishes a close from a cut link.
"""

import asyncio
import ssl

_PIECE = 64 * 1024
_TLS_RECORDS = (0x15, 0x16)
"""What a server's first record may be: an alert, or a part of the handshake."""


class TlsStream:
    """A client's TLS over the streams of a plain link; it reads and writes as they do."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        context: ssl.SSLContext,
        name: str = "localhost",
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.engine = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._received = bytearray()
        self._ended = False
        self._heard = False
        self.in_clear = False
        """Whether the server answered in clear text: it wants no TLS."""

    async def shake_hands(self) -> None:
        """Make the handshake; if the link ends meanwhile, the next read reports it.

        Raises `ssl.SSLError` when either side wants none; the server has heard why.
        """
        try:
            while not self.in_clear:
                try:
                    self.engine.do_handshake()
                except ssl.SSLWantReadError:
                    self._flush()
                    self._hear(await self._reader.read(_PIECE))
                else:
                    break
            self._flush()
        except ConnectionError:
            self._ended = True
        except ssl.SSLError:
            self._flush()
            raise

    def write(self, data: bytes) -> None:
        """Encrypt, and hand to the writer."""
        rest = memoryview(data)
        while rest:
            rest = rest[self.engine.write(rest) :]
        self._flush()

    async def drain(self) -> None:
        """Wait until little is left to send."""
        await self._writer.drain()

    def close(self) -> None:
        """End the link, without a goodbye."""
        self._writer.close()

    def write_eof(self) -> None:
        """Say that no more comes, in TLS and below it."""
        try:
            self.engine.unwrap()
        except ssl.SSLError:
            self._flush()
        self._writer.write_eof()

    async def read(self, count: int) -> bytes:
        """From 1 to `count` bytes, none at the end; raises `ConnectionError` when the link is cut."""
        while not self._received and not self._ended:
            await self._fill()
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    async def read_exactly(self, count: int) -> bytes:
        """The next `count` bytes; raises `asyncio.IncompleteReadError` when the link ends before."""
        while len(self._received) < count and not self._ended:
            await self._fill()
        if len(self._received) < count:
            raise asyncio.IncompleteReadError(bytes(self._received), count)
        return await self.read(count)

    async def read_to_end(self) -> bytes:
        """All that comes; raises `ConnectionError` when the link is cut."""
        while not self._ended:
            await self._fill()
        return await self.read(len(self._received))

    async def _fill(self) -> None:
        if not self.in_clear:
            try:
                data = self.engine.read(_PIECE)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLZeroReturnError:
                self._ended = True
                return
            else:
                self._ended = not data
                self._received += data
                return
        ciphertext = await self._reader.read(_PIECE)
        if self.in_clear:
            self._ended = not ciphertext
            self._received += ciphertext
        else:
            self._hear(ciphertext)

    def _hear(self, data: bytes) -> None:
        if not data:
            self._ended = True
            raise ConnectionAbortedError("the link ended without the goodbye of TLS")
        if not self._heard and data[0] not in _TLS_RECORDS:
            self.in_clear = True
            self._received += data
        else:
            self._heard = True
            self._incoming.write(data)

    def _flush(self) -> None:
        self._writer.write(self._outgoing.read())
