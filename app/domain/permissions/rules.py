"""Rules: who may publish what, and who may subscribe to what (permission-rules.md, section 2)."""

from dataclasses import dataclass

from ..subjects.subject import is_pattern, tokens_of

RESPONSE_SECONDS = 120.0
"""How long a reply subject is open, if nothing else is said."""

NO_LIMIT = -1
"""For `Responses.most`."""

_SEPARATORS = b" \t\r\n\f\v\0"
"""What no word of a line has in it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One subject of a list, which may be for a queue group alone; both may have wildcards.

    Raises `ValueError` for a subject or queue group that no subscription can have.
    """

    subject: bytes
    queue: bytes | None = None

    def __post_init__(self) -> None:
        """Check both."""
        for word in (self.subject, self.queue):
            if word is not None and not _is_valid(word):
                raise ValueError(f"{word!r} is not a valid subject")


def entry(subject: str | bytes, queue: str | bytes | None = None) -> Entry:
    """The entry for these patterns. Raises `ValueError`."""
    return Entry(_as_bytes(subject), None if queue is None else _as_bytes(queue))


@dataclass(frozen=True, slots=True)
class Rule:
    """What is allowed, and what of that is denied; an empty `allow` allows everything.

    Raises `TypeError` for what is no `Entry`.
    """

    allow: tuple[Entry, ...] = ()
    deny: tuple[Entry, ...] = ()

    def __post_init__(self) -> None:
        """Take lists too, and nothing but entries: the rule may come from code of an operator."""
        for name in ("allow", "deny"):
            entries = tuple(getattr(self, name))
            for each in entries:
                if not isinstance(each, Entry):
                    raise TypeError(f"{name} has {each!r}, which is not an entry; write entry({each!r})")
            object.__setattr__(self, name, entries)


@dataclass(frozen=True, slots=True)
class Responses:
    """Replies that are allowed to received messages."""

    most: int = 1
    """To each message; `NO_LIMIT` for any number."""
    seconds: float = RESPONSE_SECONDS


@dataclass(frozen=True, slots=True)
class Permissions:
    """The rights of one client. Those that are equal are the same rights.

    Raises `TypeError` for a field of another type.
    """

    publish: Rule = Rule()
    subscribe: Rule = Rule()
    responses: Responses | None = None

    def __post_init__(self) -> None:
        """Take nothing but what is named above: it may come from code of an operator."""
        wanted = {"publish": Rule, "subscribe": Rule, "responses": Responses | None}
        for name, kind in wanted.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"{name} is of type {type(value).__name__}, not Rule or Responses")


def _as_bytes(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text


def _is_valid(word: bytes) -> bool:
    return is_pattern(tokens_of(word)) and not any(byte in _SEPARATORS for byte in word)
