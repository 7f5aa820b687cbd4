"""An asyncio transport without a socket: it notes what a protocol asks of it."""

import asyncio
from collections.abc import Iterable


class FakeTransport(asyncio.Transport):
    """Notes each request by name, and what is written; `buffered` is what it says it holds back."""

    def __init__(self, *, write_eof_error: OSError | None = None) -> None:
        super().__init__()
        self.requests: list[str] = []
        self.limits: list[tuple[int | None, int | None]] = []
        self.buffered = 0
        self.written = bytearray()
        self.reading = True
        self._write_eof_error = write_eof_error

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Note a write, whatever its content."""
        self.requests.append("write")
        self.written += data
        self.buffered += len(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Note a write in pieces."""
        self.write(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        """Say what is held back."""
        return self.buffered

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Keep the limits."""
        self.limits.append((high, low))

    def pause_reading(self) -> None:
        """Note the request."""
        self.requests.append("pause_reading")
        self.reading = False

    def resume_reading(self) -> None:
        """Note the request."""
        self.requests.append("resume_reading")
        self.reading = True

    def write_eof(self) -> None:
        """Note the request, and fail as asked for."""
        self.requests.append("write_eof")
        if self._write_eof_error is not None:
            raise self._write_eof_error

    def close(self) -> None:
        """Note the request."""
        self.requests.append("close")

    def abort(self) -> None:
        """Note the request."""
        self.requests.append("abort")
