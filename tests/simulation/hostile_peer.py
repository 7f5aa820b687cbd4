"""Hostile peers: they connect to a server, send invalid or unauthorised input, and disconnect.

They are no fault for the fault log: nothing they do may affect a client or a route.
"""

from typing import ClassVar, Final

from app.domain.events import Link
from app.domain.sessions.wire import Wire
from tests.simulation.host import Host
from tests.simulation.network import Network

INPUTS: Final = (
    b"",
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b'CONNECT {"verbose":false}\r\nSUB b.> 1\r\nPING\r\n',
    b"SUB b.>  RSID:1:1\r\n",
    b"MSG a.a RSID:1:1 2\r\nhi\r\n",
    b"MSG a.a QRSID:1:1 99999999999\r\n",
    b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nHPUB a.a 9 2\r\nhi\r\n',
    b'CONNECT {"headers":true}\r\nHPUB a.a 2 99999999999\r\n',
    b'CONNECT {"no_responders":true}\r\n',
    b"HPUB a.a 2 4\r\nhihi\r\n",
    b"HMSG a.a RSID:1:1 2 4\r\nhihi\r\n",
    b'INFO {"server_id":"HOSTILE"',
    b"LS+ a.>\r\nLMSG a.a 2\r\nhi\r\n",
    b'CONNECT {"name":"s1","user":"leaf","pass":"guess"}\r\nLS+ >\r\nLMSG a.a 2\r\nhi\r\n',
    (
        b'CONNECT {"name":"HOSTILE","user":"route","pass":"guess"}\r\n'
        b'INFO {"server_id":"HOSTILE","host":"10.9.9.9","port":6222,"headers":true}\r\n'
        b"MSG a.a RSID:1:1 2\r\nhi\r\nHMSG a.a RSID:1:1 3 2\r\nhi\r\n"
    ),
)

ROUTE_HANDSHAKE: Final = len(INPUTS) - 1
"""Index of the input that registers a route on servers without a route password."""

LIFETIME_SECONDS: Final = 20.0
"""Seconds after which a hostile peer disconnects, so that none is left in a quiet period.
Its server may be gone by then: a host that lost power sends nothing."""


class HostilePeer:
    """One link of a hostile peer. Implements `Handler`, and ignores all input."""

    _ROOM: ClassVar[memoryview] = memoryview(bytearray(64 * 1024))

    def __init__(self, network: Network, host: Host, server: Host, port: int) -> None:
        self._network = network
        self._host = host
        self._server = server
        self._port = port
        self._wire: Wire | None = None

    def connect(self, data: bytes, seconds: float) -> None:
        """Dial, send the data, and close after some seconds unless the server does first."""

        def begin(wire: Wire) -> "HostilePeer":
            self._wire = wire
            wire.write(data)
            self._host.clock.call_later(seconds, wire.close)
            return self

        self._network.dialer(self._host).dial(self._server.name, self._port, begin, lambda _reason: None)

    @property
    def link(self) -> Link:
        """Its name in an event log."""
        return Link("hostile", 0, self._host.ip)

    def opened(self) -> None:
        """Nothing to do: the data was written at once."""

    def reserve(self) -> memoryview:
        """The buffer that all hostile peers share."""
        return self._ROOM

    def received(self, _count: int) -> None:
        """Ignore it; pings stay unanswered."""

    def eof_received(self) -> None:
        """The server sent its end of file."""
        if self._wire is not None:
            self._wire.close()

    def drained(self) -> None:
        """Nothing to do."""

    def connection_lost(self, _error: Exception | None) -> None:
        """The link has ended."""
        self._wire = None
