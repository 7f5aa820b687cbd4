"""Transport over TCP, unix sockets and TLS, for any asyncio event loop; uvloop is the fast one."""

from .dialer import TcpDialer
from .listener import TcpListener
from .unix_listener import UnixListener

__all__ = ["TcpDialer", "TcpListener", "UnixListener"]
