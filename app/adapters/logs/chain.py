"""Facts become lines: processors of structlog's kind, in a row.

Any processor of structlog's can stand in the chain. structlog itself is not imported
here: it brings six MiB along, and gnatsd's lines do without.
"""

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

from app.domain.events import Event

EventDict: TypeAlias = MutableMapping[str, Any]
"""What one processor hands to the next; the fact is under the key ``fact``."""

Processor: TypeAlias = Callable[[Any, str, EventDict], Any]
"""Gets a logger, which nobody uses, the name of the method, and what the one before returned."""


class FactChain:
    """The fact in front, the line behind."""

    def __init__(self, processors: Iterable[Processor]) -> None:
        """The last one returns the finished line."""
        self._processors = tuple(processors)

    def line(self, fact: Event) -> str:
        made: Any = {"fact": fact}
        for process in self._processors:
            made = process(None, "record", made)
        return str(made)
