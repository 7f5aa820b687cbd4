"""Transport over TCP, unix sockets and TLS, for any asyncio event loop; uvloop is the fast one."""

from .dialer import TcpDialer
from .listener import TcpListener

__all__ = ["TcpDialer", "TcpListener"]
