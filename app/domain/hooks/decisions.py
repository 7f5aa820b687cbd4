"""What a hook may answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LONGEST_REASON = 256
"""Characters of a reason that a client gets to read."""


@dataclass(frozen=True, slots=True)
class Allow:
    """Let it happen; None means the same."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Refuse it. The client gets the reason, except for a message that it does not receive."""

    reason: str = ""

    @property
    def text(self) -> bytes:
        """The reason as a part of ``-ERR``: one line of bounded length; empty for none."""
        line = "".join(sign if sign.isprintable() else " " for sign in self.reason[:LONGEST_REASON])
        return line.replace("'", '"').strip().encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Let another message take the place of this one. None keeps what there is."""

    subject: str | None = None
    data: bytes | None = None
    headers: Mapping[str, str | Sequence[str]] | None = None
    """All headers of the new message; an empty mapping for none."""


ALLOW = Allow()
