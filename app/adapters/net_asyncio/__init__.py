"""Transport over TCP and TLS, for any asyncio event loop; uvloop is the fast one."""

from app.adapters.net_asyncio.dialer import TcpDialer
from app.adapters.net_asyncio.listener import TcpListener

__all__ = ["TcpDialer", "TcpListener"]
