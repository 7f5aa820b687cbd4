"""Reply subjects that one client may publish to for a while (permission-rules.md, section 2, number 5)."""

from collections.abc import Callable

from .rules import NO_LIMIT, Responses

MOST_OPEN = 65_536
"""Reply subjects that are open at a time; the oldest is closed for one more."""


class OpenReplies:
    """The reply subjects of the messages that a client received."""

    def __init__(self, rule: Responses, clock: Callable[[], float], published: Callable[[], int]) -> None:
        """`published` is the number of messages that the client has sent so far."""
        self.rule = rule
        """How often and how long a subject may be published to."""
        self._clock = clock
        self._published = published
        self._open: dict[bytes, tuple[int, float]] = {}
        """By subject, oldest first: responses that are left, and when it closes."""
        self._granted: tuple[bytes, int] | None = None
        """The latest response: its subject, and its number among the client's messages."""

    def __len__(self) -> int:
        """The number of known reply subjects, expired ones that were not used included."""
        return len(self._open)

    def received(self, head: bytes) -> None:
        """The client gets a message with this line, without its CR LF, of which it may answer."""
        words = head.split(b" ")
        plain = words[0] == b"MSG"
        if len(words) == (5 if plain else 6):
            self.open(words[3])

    def open(self, reply: bytes) -> None:
        """Let the client publish to this subject, as often and as long as the rule says."""
        now = self._clock()
        self._open.pop(reply, None)
        while self._open:
            oldest = next(iter(self._open))
            if self._open[oldest][1] > now and len(self._open) < MOST_OPEN:
                break
            del self._open[oldest]
        self._open[reply] = self.rule.most, now + self.rule.seconds

    def is_open(self, subject: bytes) -> bool:
        """Whether a message to this subject would be a response; nothing is counted."""
        left, closes = self._open.get(subject, (0, 0.0))
        return left != 0 and closes > self._clock()

    def grant(self, subject: bytes) -> bool:
        """Whether the message at hand is a response; asked again for the same one it counts once."""
        message = subject, self._published()
        if self._granted == message:
            return True
        left, closes = self._open.get(subject, (0, 0.0))
        if not left or closes <= self._clock():
            self._open.pop(subject, None)
            return False
        if left != NO_LIMIT:
            self._open[subject] = left - 1, closes
        self._granted = message
        return True
