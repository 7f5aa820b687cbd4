"""Wires by number: how many were made and how many are lost, and calls for the end of the last one."""

from collections.abc import Callable


class WireCount:
    """All wires of a broker, ever."""

    __slots__ = ("_waiting", "lost", "opened")

    def __init__(self) -> None:
        self.opened = 0
        """Also the number of the last one."""
        self.lost = 0
        self._waiting: list[Callable[[], None]] = []

    def next(self) -> int:
        """The number of a new wire."""
        self.opened += 1
        return self.opened

    @property
    def left(self) -> int:
        """Those that are not lost yet."""
        return self.opened - self.lost

    def lose(self) -> None:
        """One is lost."""
        self.lost += 1
        if self._waiting and not self.left:
            self._call()

    def when_none_is_left(self, call: Callable[[], None]) -> None:
        """Make the call once, as soon as no wire is left; at once if there is none."""
        self._waiting.append(call)
        if not self.left:
            self._call()

    def _call(self) -> None:
        calls, self._waiting = self._waiting, []
        for call in calls:
            call()
