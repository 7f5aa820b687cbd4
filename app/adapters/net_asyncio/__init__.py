"""Transport over TCP, for any asyncio event loop; uvloop is the fast one."""

from app.adapters.net_asyncio.listener import TcpListener

__all__ = ["TcpListener"]
