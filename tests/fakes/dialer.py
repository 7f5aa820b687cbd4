"""A dialer whose dials end as the test says."""

from collections.abc import Callable
from dataclasses import dataclass

from app.ports.transport import Acceptor, Dialer


@dataclass(frozen=True, slots=True)
class Dial:
    """One attempt to open a link, and the two ways in which it may end."""

    host: str
    port: int
    acceptor: Acceptor
    refused: Callable[[str], None]


class ScriptedDialer(Dialer):
    """Records dials in `asked`; `pending` has those that have not ended."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.pending: list[Dial] = []
        self.closed = False

    def dial(self, host: str, port: int, acceptor: Acceptor, refused: Callable[[str], None]) -> None:
        """Note it; it ends later."""
        self.asked.append((host, port))
        self.pending.append(Dial(host, port, acceptor, refused))

    def close(self) -> None:
        """Drop pending dials."""
        self.closed = True
        self.pending.clear()

    def refuse(self, reason: str = "connection refused") -> None:
        """End the oldest dial without a link."""
        self.pending.pop(0).refused(reason)

    def news(self) -> list[tuple[str, int]]:
        """What was dialled since the last call."""
        news, self.asked = self.asked, []
        return news
