"""Transport in memory: for tests, simulations, and clients within the process."""

from app.adapters.net_memory.link import MemoryStream, MemoryWire, Pipe
from app.adapters.net_memory.network import CAPACITY, MemoryNetwork

__all__ = ["CAPACITY", "MemoryNetwork", "MemoryStream", "MemoryWire", "Pipe"]
