"""Transport in memory: for tests, simulations, and clients within the process."""

from .link import MemoryStream, MemoryWire, Pipe
from .network import CAPACITY, MemoryNetwork

__all__ = ["CAPACITY", "MemoryNetwork", "MemoryStream", "MemoryWire", "Pipe"]
