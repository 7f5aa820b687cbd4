"""Lines sent to a syslog daemon, which may come and go.

All of this runs in the log's own thread, so it may wait. While the daemon is away
lines stay in the writer's queue: it bounds them, drops what is too much, and says
in the log how much that was. What had been handed to the system when a connection
broke is lost unseen, as it is with every syslog over TCP.
"""

import errno
import socket
import threading
from abc import abstractmethod
from collections.abc import Callable
from io import RawIOBase
from typing import Protocol

from app.adapters.logs.destinations import SyslogError
from app.adapters.logs.syslog_address import SyslogAddress

FIRST_PAUSE = 0.5
"""Seconds until the first attempt to connect again; each further pause is twice as long."""

LONGEST_PAUSE = 30.0
"""Seconds between two attempts, at most."""

LONGEST_DATAGRAM = 65_000
"""Bytes of one line that fit into a datagram; the rest of a longer one is cut off."""

_CHUNK = 65_536


class SyslogConnection(Protocol):
    """One connection to a daemon. After an error it is of no more use."""

    def take(self, data: bytes) -> int:
        """Send some of these whole lines, at least the first; how many bytes they were.

        Raises `OSError` when not even the first went out whole.
        """
        ...

    def close(self) -> None: ...


class _SocketConnection(SyslogConnection):
    """What datagrams and streams have in common."""

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
            # Kept for the next call: the system tells some errors once.
            self._error = error
            sent = data.rfind(b"\n", 0, sent) + 1
            if not sent:
                raise
        return sent

    @abstractmethod
    def _send(self, data: bytes, start: int) -> int:
        """Send something from `start` on; how many bytes it was."""

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
    """Lines follow each other, each with its line end."""

    def take(self, data: bytes) -> int:
        if self._is_left():
            raise ConnectionResetError(errno.ECONNRESET, "the daemon closed the connection")
        return super().take(data)

    def _send(self, data: bytes, start: int) -> int:
        return self._connection.send(data[start:])

    def _is_left(self) -> bool:
        """Whether the daemon has gone: the first send after that would succeed, and be lost."""
        timeout = self._connection.gettimeout()
        self._connection.settimeout(0)
        try:
            return not self._connection.recv(_CHUNK)
        except BlockingIOError:
            return False
        finally:
            self._connection.settimeout(timeout)


class StopFlag(Protocol):
    """What the sink uses of a `threading.Event`."""

    def set(self) -> None: ...

    def is_set(self) -> bool: ...

    def wait(self, timeout: float) -> bool:
        """Wait until it is set, for `timeout` seconds at most."""
        ...


class SyslogSink(RawIOBase):
    """Takes lines for a daemon; waits, with growing pauses, while there is none.

    `warn` is told of the first trouble only. `hurry` ends all waiting: from then on
    trouble is an error.
    """

    def __init__(
        self,
        connect: Callable[[], SyslogConnection],
        name: str,
        warn: Callable[[str], None],
        hurried: StopFlag | None = None,
    ) -> None:
        """`connect` raises `OSError`, here too; `name` says where the daemon is."""
        super().__init__()
        self._connect = connect
        self._name = name
        self._warn = warn
        self._carrier: SyslogConnection | None = None
        self._pause = FIRST_PAUSE
        self._hurried: StopFlag = hurried or threading.Event()
        self._warned = False
        self._carrier = connect()

    def writable(self) -> bool:
        return True

    def write(self, data: memoryview, /) -> int:  # type: ignore[override] # the writer sends views alone
        """Send some whole lines; how many bytes they were. May take very long."""
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
        """Wait no more. For any thread."""
        self._hurried.set()

    def close(self) -> None:
        self._disconnect()
        super().close()

    def _send(self, lines: bytes) -> int:
        if self._carrier is None:
            self._carrier = self._connect()
        count = self._carrier.take(lines)
        self._pause = FIRST_PAUSE
        return count

    def _disconnect(self) -> None:
        carrier, self._carrier = self._carrier, None
        if carrier is not None:
            carrier.close()

    def _wait(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            self._warn(f"cannot reach {self._name}: {error}; log lines wait until it is back")
        self._hurried.wait(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)


def open_syslog(address: SyslogAddress, warn: Callable[[str], None]) -> SyslogSink:
    """A sink for the daemon at `address`. Raises `SyslogError` when there is none."""

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
    """As many whole lines as make a chunk, or one that is longer."""
    chunk = bytes(data[:_CHUNK])
    end = chunk.rfind(b"\n") + 1
    return chunk[:end] if end else bytes(data[: bytes(data).index(b"\n") + 1])
