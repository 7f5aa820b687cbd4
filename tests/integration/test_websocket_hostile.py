"""Hostile peers at the address for websockets, over real sockets, beside a witness."""

import asyncio
import contextlib
import socket
import sys
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from dependency_injector import providers

from app.adapters.net_asyncio.websocket_events import WebsocketBroken, WebsocketRefused
from app.config.options import make_options
from app.entrypoints.container import Container
from app.testing import free_port
from tests.fakes.event_log import RecordingEventLog
from tests.support.certificates import certificates
from tests.support.patience import PATIENCE
from tests.support.raw_client import RawClient
from tests.support.server_process import CURRENT, ServerProcess
from tests.support.tls_stream import TlsStream
from tests.support.websocket_frames import frame
from tests.support.websocket_stream import WebsocketStream

pytestmark = pytest.mark.asyncio

HOST = "127.0.0.1"
DEADLINE = PATIENCE
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


def request(path: bytes = b"/", **changes: bytes | None) -> bytes:
    """A request for a websocket; a header is changed, or left out with None."""
    headers: dict[str, bytes | None] = {
        "Host": b"localhost",
        "Upgrade": b"websocket",
        "Connection": b"Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": b"13",
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    lines = [b"%b: %b\r\n" % (name.encode(), value) for name, value in headers.items() if value is not None]
    return b"GET %b HTTP/1.1\r\n%b\r\n" % (path, b"".join(lines))


class Rig:
    """A server with websockets and a login, and a witness who has logged in."""

    def __init__(self, **websocket: object) -> None:
        section = {"host": HOST, "port": -1, "compression": True, **websocket}
        if "tls" not in section:
            section["no_tls"] = True
        login = {"user": "u", "password": "p", "timeout": 60}
        self.container = Container(
            make_options({"host": HOST, "port": -1, "websocket": section, "authorization": login})
        )
        self.log = RecordingEventLog(trace=False)
        self.container.event_log.override(providers.Object(self.log))
        self.port = 0
        self.witness: RawClient
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        """Listen, and let the witness in."""
        plain, web = (await self.container.service().start()).clients
        self.port = web.port
        reader, writer = await asyncio.open_connection(HOST, plain.port)
        self.witness = await RawClient.greet(reader, writer, writer.transport.abort)
        await self.witness.send(b'CONNECT {"verbose":false,"user":"u","pass":"p"}\r\n')
        await self.witness.fence()

    async def stop(self) -> None:
        """The witness is unharmed; then all ends."""
        await self.witness.send(b"PING\r\n")
        while await self.witness.line() != b"PONG\r\n":  # the server may ping, too
            pass
        await self.container.service().stop()
        self.witness.abort()
        for writer in self._writers:
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        await self.container.service().departed()

    async def link(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A plain link to the address for websockets."""
        reader, writer = await asyncio.open_connection(HOST, self.port)
        self._writers.append(writer)
        return reader, writer

    async def asked(self, data: bytes) -> bytes:
        """All that comes to one who sends this, until the end."""
        reader, writer = await self.link()
        writer.write(data)
        async with asyncio.timeout(DEADLINE):
            return await reader.read()

    async def opened(
        self, extension: bytes | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A websocket after INFO."""
        reader, writer = await self.link()
        writer.write(request(Sec_WebSocket_Extensions=extension))
        async with asyncio.timeout(DEADLINE):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101 ")
            await _frame_read(reader)
        return reader, writer

    async def status(self, data: bytes, extension: bytes | None = None) -> int:
        """The status with which an open websocket is closed that sends this."""
        reader, writer = await self.opened(extension)
        writer.write(data)
        return await _status_read(reader)


async def _frame_read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The first byte and the payload of the next frame of a server, which is no longer than 64 KiB."""
    first, size = await reader.readexactly(2)
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    return first, await reader.readexactly(size)


async def _status_read(reader: asyncio.StreamReader) -> int:
    """The status of the frame with which the server closes; what comes before is passed over."""
    async with asyncio.timeout(DEADLINE):
        while True:
            first, payload = await _frame_read(reader)
            if first == 0x88:
                assert await reader.read() == b""
                return int.from_bytes(payload[:2], "big")


@pytest_asyncio.fixture(name="rig")
async def _rig() -> AsyncIterator[Rig]:
    """A rig whose witness is asked at the end."""
    rig = Rig(allowed_origins=["https://app.example.com"])
    await rig.start()
    yield rig
    await rig.stop()


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (request(Sec_WebSocket_Version=b"12"), 400),
        (request(Sec_WebSocket_Key=b"short"), 400),
        (request(Upgrade=None, Connection=None), 400),
        (b"CONNECT {}\r\n\r\n", 400),
        (request(Origin=b"https://evil.example.com"), 403),
        (request(Origin=b"http://app.example.com"), 403),
        (request(X=b"x" * 65536), 431),
        (request(b"/mqtt"), 404),
        (request(b"/leafnode"), 404),
    ],
    ids=["version", "key", "GET", "NATS", "origin", "scheme", "headers", "mqtt", "leafnode"],
)
async def test_requests_that_are_refused(rig: Rig, asked: bytes, status: int) -> None:
    """W1, W2 and W9: each gets its status and the end, and a line of the log."""
    answer = await rig.asked(asked)

    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert len(rig.log.of(WebsocketRefused)) == 1


async def test_an_allowed_origin(rig: Rig) -> None:
    """A page from an origin of the list comes in."""
    reader, writer = await rig.link()

    writer.write(request(Origin=b"https://app.example.com"))

    assert (await reader.readline()).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("said", [b"", b"GET / HT", request()[:-2]], ids=["nothing", "a part", "almost all"])
async def test_half_a_request(said: bytes) -> None:
    """W2: a peer that does not finish is closed at the time limit, with 408."""
    rig = Rig(handshake_timeout=0.2)
    await rig.start()

    answer = await rig.asked(said)
    await rig.stop()

    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_half_a_tls_handshake() -> None:
    """TLS beneath has its own limit, and others come in meanwhile."""
    files = certificates().files()
    rig = Rig(tls={"cert_file": files.cert_file, "key_file": files.key_file, "timeout": 2})
    await rig.start()
    reader, writer = await rig.link()
    writer.write(b"\x16\x03\x01\x02\x00\x01")
    tls = TlsStream(*await rig.link(), certificates().client_context())
    await tls.shake_hands()
    stream = await WebsocketStream.opened(tls, tls)
    greeting = await stream.read(5)

    async with asyncio.timeout(DEADLINE):
        end = await reader.read()
    await rig.stop()

    assert (greeting, end) == (b"INFO ", b"")


async def test_a_request_in_clear_text() -> None:
    """Where TLS is required it gets no websocket."""
    files = certificates().files()
    rig = Rig(tls={"cert_file": files.cert_file, "key_file": files.key_file, "timeout": 10})
    await rig.start()

    answer = await rig.asked(request())
    await rig.stop()

    assert not answer.startswith(b"HTTP/1.1 101 ")


DEFLATE = b"permessage-deflate"


def _bomb(beginning: bytes) -> bytes:
    """The beginning, and 200 MiB of zeros after it, in some 200 KiB."""
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = squeezer.compress(beginning) + b"".join(squeezer.compress(bytes(2**20)) for _ in range(200))
    return packed + squeezer.flush(zlib.Z_SYNC_FLUSH)[:-4]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (frame(b"", length=2**63), 1002),
        (frame(b"x", length=2**63 - 1), 1009),
        (frame(b"x", length=2**40), 1009),
        (b"\x82\x01x", 1002),
        (frame(b"x", 0xC2), 1002),
        (frame(b"x", 0x85), 1002),
        (frame(b"x", 0x09), 1002),
        (frame(b"x" * 200, 0x89), 1002),
        (frame(b"x", 0x80), 1002),
        (frame(b"x", 0x88), 1002),
    ],
    ids=[
        *("2^63", "2^63-1", "2^40", "unmasked", "RSV1", "opcode 5", "fragmented ping", "long ping"),
        *("continuation first", "close of one byte"),
    ],
)
async def test_frames_that_lie(rig: Rig, data: bytes, status: int) -> None:
    """W3 and W6: the link is closed with the status, and the log says why."""
    assert await rig.status(data) == status
    assert len(rig.log.of(WebsocketBroken)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process's memory is read from /proc")
async def test_the_memory_of_a_compressed_bomb(tmp_path: Path) -> None:
    """W4: what inflates to 200 MiB, before the login, takes less than a MiB at its peak."""
    port = free_port()
    config = tmp_path / "web.conf"
    config.write_text(
        f'websocket {{ listen: "{HOST}:{port}", no_tls: true, compression: true }}\n'
        "authorization { user: u, password: p, timeout: 60 }\n"
    )
    bombs = [frame(_bomb(begin), 0xC2) for begin in (b"CONNECT {", b"")]
    with ServerProcess(*CURRENT, "-c", str(config)) as server:
        peaks = []
        for _ in range(3):
            before = _memory_from_now_on(server.pid)
            for bomb in bombs:
                reader, writer = await asyncio.open_connection(HOST, port)
                writer.write(request(Sec_WebSocket_Extensions=DEFLATE))
                async with asyncio.timeout(DEADLINE):
                    await reader.readuntil(b"\r\n\r\n")
                    writer.write(bomb)
                    await reader.read()
                writer.transport.abort()
            peaks.append(_memory(server.pid, "VmHWM") - before)

    assert min(peaks) < 1024, f"KiB by round: {peaks}"


def _memory_from_now_on(pid: int) -> int:
    """What a process has, in KiB; its peak is counted from here."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return _memory(pid, "VmRSS")


def _memory(pid: int, field: str) -> int:
    """A figure of a process, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


async def test_a_compressed_bomb(rig: Rig) -> None:
    """W4: a line before the login that inflates to 200 MiB ends at the limit of lines."""
    reader, writer = await rig.opened(DEFLATE)

    writer.write(frame(_bomb(b"CONNECT {"), 0xC2))

    async with asyncio.timeout(DEADLINE):
        _, answer = await _frame_read(reader)
        assert await _status_read(reader) == 1000
    assert answer == b"-ERR 'maximum control line exceeded'\r\n"


LOGIN = b'CONNECT {"verbose":false,"user":"u","pass":"p"}\r\n'


@pytest.mark.parametrize("packed", [False, True])
async def test_a_message_without_an_end(rig: Rig, packed: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """W5: fragments without a final one end at the limit, although each message in them is right."""
    reader, writer = await rig.opened(DEFLATE if packed else None)
    messages = b"PUB foo 1000\r\n%b\r\n" % bytes(1000) * 1000
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packing = squeezer.compress(messages) + squeezer.flush(zlib.Z_SYNC_FLUSH) if packed else messages
    begin, go_on = frame(packing, 0x42 if packed else 0x02), frame(packing, 0x00)

    async def flood() -> None:
        writer.write(frame(LOGIN) + begin)
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                writer.write(go_on)
                await writer.drain()

    flooding = asyncio.create_task(flood())
    status = await _status_read(reader)
    await flooding

    assert status == 1009


async def test_frames_need_not_align_with_lines(rig: Rig) -> None:
    """W7: a line in many frames and fragments, and many lines in one frame."""
    reader, writer = await rig.opened()
    login = LOGIN + b"PING\r\n"
    lines = b"PING\r\n" * 1000
    pieces = [frame(lines[:7], 0x02), frame(b"in between", 0x89), frame(lines[7:], 0x80)]

    writer.write(b"".join(frame(login[at : at + 1]) for at in range(len(login))))
    async with asyncio.timeout(DEADLINE):
        answer = await _frame_read(reader)
        writer.write(b"".join(pieces))
        heard: dict[int, bytes] = {0x82: b"", 0x8A: b""}
        while len(heard[0x82]) < len(lines) or not heard[0x8A]:
            first, payload = await _frame_read(reader)
            heard[first] += payload

    assert answer == (0x82, b"PONG\r\n")
    assert heard == {0x82: b"PONG\r\n" * 1000, 0x8A: b"in between"}


async def test_a_flood_of_pings(rig: Rig) -> None:
    """W8: each ping has its pong, in order; a peer that takes none of them is cut."""
    reader, writer = await rig.opened()
    pings = [b"%05d" % number for number in range(5000)]

    writer.write(b"".join(frame(ping, 0x89) for ping in pings))
    async with asyncio.timeout(DEADLINE):
        pongs = await reader.readexactly(7 * len(pings))

    assert [pongs[at + 2 : at + 7] for at in range(0, len(pongs), 7)] == pings


async def test_pongs_that_nobody_takes(rig: Rig) -> None:
    """W8: a peer that sends pings and reads nothing is cut, and what waits for it stays small."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.settimeout(0)
    await asyncio.get_running_loop().sock_connect(narrow, (HOST, rig.port))
    flood = 500 * frame(b"p" * 125, 0x89)

    async def send() -> None:
        await asyncio.get_running_loop().sock_sendall(narrow, request())
        while True:
            await asyncio.get_running_loop().sock_sendall(narrow, flood)

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(send(), DEADLINE)
    narrow.close()

    assert ["websocket error: the peer sends pings and takes no pongs"] == [
        fact.text() for fact in rig.log.of(WebsocketBroken)
    ]


async def test_hundreds_of_half_requests(rig: Rig) -> None:
    """Peers that only begin a request keep nobody out."""
    for _ in range(200):
        _, writer = await rig.link()
        writer.write(b"GET / HTTP/1.1\r\n")

    reader, writer = await rig.link()
    writer.write(request())
    async with asyncio.timeout(DEADLINE):
        assert (await reader.readline()).startswith(b"HTTP/1.1 101 ")
