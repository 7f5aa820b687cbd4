"""Strangers: they open a link to a server, say what nobody should say there, and stay as long as they may.

They are no misfortune: nothing that they do may touch a client or a route.
"""

from typing import ClassVar, Final

from app.domain.events import Link
from app.domain.sessions.wire import Wire
from tests.simulation.host import Host
from tests.simulation.network import Network

SAYINGS: Final = (
    b"",
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b'CONNECT {"verbose":false}\r\nSUB > 1\r\nPING\r\n',
    b"SUB >  RSID:1:1\r\n",
    b"MSG a.a RSID:1:1 2\r\nhi\r\n",
    b"MSG a.a QRSID:1:1 99999999999\r\n",
    b'INFO {"server_id":"STRANGER"',
    (
        b'CONNECT {"name":"STRANGER","user":"route","pass":"guess"}\r\n'
        b'INFO {"server_id":"STRANGER","host":"10.9.9.9","port":6222}\r\nMSG a.a RSID:1:1 2\r\nhi\r\n'
    ),
)

INTRODUCTION: Final = len(SAYINGS) - 1
"""The one that makes a route of a stranger, where nobody asks for a password."""

LONGEST_VISIT: Final = 20.0
"""Seconds after which a stranger goes, so that none is left when all is to be at rest. It may be
alone by then: a machine that lost power does not tell it."""


class Stranger:
    """One link of a stranger. Implements `Handler`, and listens to nothing."""

    _ROOM: ClassVar[memoryview] = memoryview(bytearray(64 * 1024))

    def __init__(self, network: Network, host: Host, server: Host, port: int) -> None:
        self._network = network
        self._host = host
        self._server = server
        self._port = port
        self._wire: Wire | None = None

    def come(self, saying: bytes, seconds: float) -> None:
        """Dial, say it, and go after a while, unless we are thrown out."""

        def begin(wire: Wire) -> "Stranger":
            self._wire = wire
            wire.write(saying)
            self._host.clock.call_later(seconds, wire.close)
            return self

        self._network.dialer(self._host).dial(self._server.name, self._port, begin, lambda _reason: None)

    @property
    def link(self) -> Link:
        """What an event log would call it."""
        return Link("stranger", 0, self._host.ip)

    def opened(self) -> None:
        """All was said."""

    def reserve(self) -> memoryview:
        """Lend the room of all strangers."""
        return self._ROOM

    def received(self, _count: int) -> None:
        """Do not care, nor answer pings."""

    def eof_received(self) -> None:
        """Thrown out."""
        if self._wire is not None:
            self._wire.close()

    def drained(self) -> None:
        """Nothing waits for this."""

    def connection_lost(self, _error: Exception | None) -> None:
        """The link is gone."""
        self._wire = None
