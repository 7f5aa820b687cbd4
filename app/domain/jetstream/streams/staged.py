"""What a batch that is being checked has done already, as far as later checks and its end depend on it."""

from ...subjects.subject import matches, tokens_of
from .counters import Total


class Staged:
    """The messages of one batch that passed their checks, and are not stored yet."""

    def __init__(self) -> None:
        self.count = 0
        """Messages."""
        self.more = 0
        """Messages that replace none of their subject."""
        self.size = 0
        """Their bytes, as `max_bytes` counts them."""
        self.subjects: dict[bytes, int] = {}
        """How many there are of each subject."""
        self.ids: set[bytes] = set()
        self.totals: dict[bytes, Total] = {}
        """Of counters, by subject."""

    def has(self, pattern: bytes) -> bool:
        """Whether one of its subjects is this, or matches this pattern."""
        if pattern in self.subjects:
            return True
        if b"*" not in pattern and b">" not in pattern:
            return False
        tokens = tokens_of(pattern)
        return any(matches(tokens, tokens_of(subject)) for subject in self.subjects)

    def add(self, subject: bytes, size: int, message_id: bytes, *, replaces: bool) -> None:
        """A message passed."""
        self.count += 1
        self.more += not replaces
        self.size += 0 if replaces else size
        self.subjects[subject] = self.subjects.get(subject, 0) + 1
        if message_id:
            self.ids.add(message_id)


class Later:
    """What goes with the last message of a batch."""

    def __init__(self) -> None:
        self.sequences: set[int] = set()
        self.due = 0
        """Not 0 if one of the messages ends or is due by itself."""
        self.is_over = False
        """Whether this is the last message."""
