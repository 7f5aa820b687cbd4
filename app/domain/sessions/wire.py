"""A wire and its handler: the interface between connections and transports."""

from typing import NamedTuple, Protocol

from ..events import Link
from ..security.link_security import PeerCredentials, Security

UNIX = "unix"
"""In place of the IP address of a peer that came in at a unix socket; its port is 0."""


class PeerAddress(NamedTuple):
    """The other end's address, as the transport saw it."""

    ip: str
    """Numeric, or `UNIX`."""
    port: int
    credentials: PeerCredentials | None = None
    """Of a peer at a unix socket, where the system has them."""

    @property
    def network(self) -> str:
        """The IP address; empty for a peer that has none."""
        return "" if self.ip == UNIX else self.ip

    def __str__(self) -> str:
        return f"{self.ip}:{self.port if self.credentials is None else self.credentials}"


class Wire(Protocol):
    """What a connection asks of its transport; guarantees in ``app.ports.transport``."""

    @property
    def peer(self) -> PeerAddress:
        """The other end."""
        ...

    @property
    def security(self) -> Security | None:
        """How the link is protected; None for a plain one, and before `Handler.opened`."""
        ...

    def write(self, data: bytes) -> None:
        """Send, in order, without blocking."""
        ...

    def writelines(self, chunks: list[bytes]) -> None:
        """Send several pieces, in order, without joining them where that is possible."""
        ...

    def pending(self) -> int:
        """How many bytes have been written but not passed on yet."""
        ...

    def untaken(self) -> int:
        """How many bytes were passed on that the peer has not taken; 0 where that is not known."""
        ...

    def pause(self) -> None:
        """Stop reading; may be called again while paused, or after the end.

        Called within `Handler.opened`, one read may come nevertheless: loops begin to
        read after that, whatever it did.
        """
        ...

    def resume(self) -> None:
        """Read on; may be called while reading, or after the end."""
        ...

    def close(self) -> None:
        """Send what is pending, then our end of file; discard input briefly; then end."""
        ...

    def abort(self) -> None:
        """End now; what is pending is lost."""
        ...


class Handler(Protocol):
    """What a transport drives."""

    @property
    def link(self) -> Link:
        """The link in the words of the event log; as long as it is not lost."""
        ...

    def opened(self) -> None:
        """The link may carry traffic from now on."""
        ...

    def reserve(self) -> memoryview:
        """Where the next bytes go: writable, never empty, valid until `received`.

        It must not call the wire: some event loops are in the middle of a read here.
        """
        ...

    def received(self, count: int) -> None:
        """`count` bytes, at least one, are at the start of the reserved room."""
        ...

    def eof_received(self) -> None:
        """The peer will send no more."""
        ...

    def drained(self) -> None:
        """Pending bytes have fallen to the low-water mark."""
        ...

    def connection_lost(self, error: Exception | None) -> None:
        """The link is gone: `error` is None after an orderly end."""
        ...
