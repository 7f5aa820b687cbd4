"""A connection to a syslog daemon that fails by script."""

from collections import deque
from collections.abc import Iterable

from app.adapters.logs.syslog_sink import SyslogConnection

REFUSED = ConnectionRefusedError(111, "Connection refused")

Outcome = int | OSError | None


class ScriptedDaemon:
    """Keeps the lines it was sent, in `lines`.

    Each entry of `connects` settles one attempt to connect: an error is raised, None
    lets it succeed. Each entry of `takes` settles one delivery: an error is raised, a
    number accepts that many lines, None accepts all. Without a script everything works.
    """

    def __init__(self, connects: Iterable[OSError | None] = (), takes: Iterable[Outcome] = ()) -> None:
        self.lines: list[str] = []
        self.open = 0
        """Connections that are not closed."""
        self.attempts = 0
        self._connects = deque(connects)
        self._takes = deque(takes)

    def connect(self) -> SyslogConnection:
        """A new connection."""
        self.attempts += 1
        outcome = self._connects.popleft() if self._connects else None
        if outcome is not None:
            raise outcome
        self.open += 1
        return _ScriptedCarrier(self)

    def take(self, data: bytes) -> int:
        """What a connection is given."""
        outcome = self._takes.popleft() if self._takes else None
        if isinstance(outcome, OSError):
            raise outcome
        lines = data.splitlines(keepends=True)[:outcome]
        self.lines += [line.decode().removesuffix("\n") for line in lines]
        return sum(map(len, lines))


class _ScriptedCarrier(SyslogConnection):
    def __init__(self, daemon: ScriptedDaemon) -> None:
        self._daemon = daemon

    def take(self, data: bytes) -> int:
        """Pass it on."""
        return self._daemon.take(data)

    def close(self) -> None:
        """Count it."""
        self._daemon.open -= 1
