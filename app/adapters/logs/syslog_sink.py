"""Sending lines to a syslog daemon, which may be unavailable for a while.

This runs in the log's own thread, so it may wait. While the daemon is unavailable lines
stay in the writer's queue, which is bounded and logs the number of dropped lines. Lines
that the system had accepted when a connection broke are lost, as with any syslog over TCP.
"""

import errno
import socket
import threading
from abc import abstractmethod
from collections.abc import Callable
from io import RawIOBase
from typing import Protocol

from .destinations import SyslogError
from .syslog_address import SyslogAddress

FIRST_PAUSE = 0.5
"""Seconds until the first attempt to reconnect; each further pause is twice as long."""

LONGEST_PAUSE = 30.0
"""Seconds between two attempts, at most."""

LONGEST_DATAGRAM = 65_000
"""Maximum bytes of a line in a datagram; a longer line is cut."""

_CHUNK = 65_536


class SyslogConnection(Protocol):
    """One connection to a daemon. It is not used after an error."""

    def take(self, data: bytes) -> int:
        """Send some of these lines, at least the first; returns the number of bytes sent.

        Raises `OSError` if not even the first was sent completely.
        """
        ...

    def close(self) -> None:
        """Close it."""
        ...


class _SocketConnection(SyslogConnection):
    """Common part of datagrams and streams."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._error: OSError | None = None

    def take(self, data: bytes) -> int:
        if self._error is not None:
            raise self._error
        sent = 0
        try:
            while sent < len(data):
                sent += self._send(data, sent)
        except OSError as error:
            # Kept for the next call: the system reports some errors only once.
            self._error = error
            sent = data.rfind(b"\n", 0, sent) + 1
            if not sent:
                raise
        return sent

    @abstractmethod
    def _send(self, data: bytes, start: int) -> int:
        """Send some bytes from `start` on; returns their number."""

    def close(self) -> None:
        self._connection.close()


class DatagramConnection(_SocketConnection):
    """Each line is a datagram of its own."""

    def _send(self, data: bytes, start: int) -> int:
        line = data[start : data.index(b"\n", start) + 1]
        whole = len(line) <= LONGEST_DATAGRAM
        self._connection.send(line if whole else line[: LONGEST_DATAGRAM - 1] + b"\n")
        return len(line)


class StreamConnection(_SocketConnection):
    """All lines are one stream, each with its line end."""

    def take(self, data: bytes) -> int:
        if self._is_closed_by_peer():
            raise ConnectionResetError(errno.ECONNRESET, "the daemon closed the connection")
        return super().take(data)

    def _send(self, data: bytes, start: int) -> int:
        return self._connection.send(data[start:])

    def _is_closed_by_peer(self) -> bool:
        """Whether the daemon has closed the connection; a send would still succeed once, and be lost."""
        timeout = self._connection.gettimeout()
        self._connection.settimeout(0)
        try:
            return not self._connection.recv(_CHUNK)
        except BlockingIOError:
            return False
        finally:
            self._connection.settimeout(timeout)


class StopFlag(Protocol):
    """The part of a `threading.Event` that the sink uses."""

    def set(self) -> None: ...

    def is_set(self) -> bool: ...

    def wait(self, timeout: float) -> bool:
        """Wait until it is set, for `timeout` seconds at most."""
        ...


class SyslogSink(RawIOBase):
    """Sends lines to a daemon; waits, with growing pauses, while it is unavailable.

    `warn` is called for the first failure only. `hurry` ends all waiting: from then on a
    failure is an error.
    """

    def __init__(
        self,
        connect: Callable[[], SyslogConnection],
        name: str,
        warn: Callable[[str], None],
        hurried: StopFlag | None = None,
    ) -> None:
        """`connect` is called here; it raises `OSError`. `name` names the daemon in messages."""
        super().__init__()
        self._connect = connect
        self._name = name
        self._warn = warn
        self._daemon: SyslogConnection | None = None
        self._pause = FIRST_PAUSE
        self._hurried: StopFlag = hurried or threading.Event()
        self._warned = False
        self._daemon = connect()

    def writable(self) -> bool:
        return True

    def write(self, data: memoryview, /) -> int:  # type: ignore[override] # the writer sends views alone
        """Send some whole lines; returns the number of bytes. May take very long."""
        lines = _whole_lines(data)
        while True:
            try:
                return self._send(lines)
            except OSError as error:
                self._disconnect()
                if error.errno == errno.EMSGSIZE or self._hurried.is_set():
                    raise
                self._wait(error)

    def hurry(self) -> None:
        """Stop waiting. For any thread."""
        self._hurried.set()

    def close(self) -> None:
        self._disconnect()
        super().close()

    def _send(self, lines: bytes) -> int:
        if self._daemon is None:
            self._daemon = self._connect()
        count = self._daemon.take(lines)
        self._pause = FIRST_PAUSE
        return count

    def _disconnect(self) -> None:
        daemon, self._daemon = self._daemon, None
        if daemon is not None:
            daemon.close()

    def _wait(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            self._warn(f"cannot reach {self._name}: {error}; log lines wait until it is back")
        self._hurried.wait(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)


def open_syslog(address: SyslogAddress, warn: Callable[[str], None]) -> SyslogSink:
    """A sink for the daemon at `address`. Raises `SyslogError` if it cannot be reached."""

    def connect() -> SyslogConnection:
        connection = address.connect()
        if connection.type == socket.SOCK_DGRAM:
            return DatagramConnection(connection)
        return StreamConnection(connection)

    try:
        return SyslogSink(connect, address.name, warn)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SyslogError(f'error connecting to syslog: "{address.name}: {reason}"') from error


def _whole_lines(data: memoryview) -> bytes:
    """The whole lines of a chunk, or one line if it is longer."""
    chunk = bytes(data[:_CHUNK])
    end = chunk.rfind(b"\n") + 1
    return chunk[:end] if end else bytes(data[: bytes(data).index(b"\n") + 1])
