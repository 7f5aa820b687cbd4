"""Flow control of push consumers: how many bytes may be on their way (jetstream-consumers.md, section 7)."""

FIRST_WINDOW = 2 * 1024 * 1024
LARGEST_WINDOW = 32 * 1024 * 1024


class FlowWindow:
    """Bytes that were sent and not confirmed."""

    __slots__ = ("_freed", "_sent", "_window", "request")

    def __init__(self) -> None:
        self._window = FIRST_WINDOW
        self._sent = 0
        self._freed = 0
        """What an answer to the request confirms."""
        self.request = b""
        """The reply subject of the request that is not answered yet; empty for none."""

    @property
    def is_full(self) -> bool:
        """Whether nothing more may be sent."""
        return self._sent > self._window

    @property
    def room(self) -> int:
        """Bytes that may go before a request is due, or, while one is not answered, before the end."""
        return self._window - self._sent if self.request else self._window // 2 - self._sent

    def sent(self, size: int) -> bool:
        """Bytes went out; answers whether to ask the client for a confirmation."""
        self._sent += size
        if not self.request:
            return self._sent > self._window // 2
        if self._sent - self._freed >= self._window:
            self._freed += size
        return False

    def ask(self, request: bytes) -> None:
        """A request with this reply subject goes out."""
        self.request = request
        self._freed = self._sent

    def confirm(self, request: bytes) -> bool:
        """An answer came; answers whether it was to the last request, which alone counts."""
        if not request or request != self.request:
            return False
        self._window = min(2 * self._window, LARGEST_WINDOW)
        self._sent = max(0, self._sent - self._freed)
        self.request, self._freed = b"", 0
        return True
