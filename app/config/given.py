"""Given values: what the file and the flags set, each with its place."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import field

from ..domain.value_object import value_object
from .document import Block, Path
from .errors import Place, Problem
from .flag_syntax import Value
from .flags import flag_name
from .sections.section import asks_for_nothing


@value_object
class Given:
    """All that file and flags give, of which a part may have been wrong."""

    used: Block
    """What makes the options."""
    intended: Block
    """The same, with what is wrong."""
    file: Block = field(default_factory=Block)
    """What the file gives by itself."""
    flags: Mapping[str, Value] = field(default_factory=dict)
    """What flags give, by the names in `Flag.sets`."""
    whole: bool = True
    """False if a part of a file could not be read: something may be given that is not known."""
    unclear: AbstractSet[Path] = frozenset()
    """Sections of which the same is true, since they have unknown keys."""

    def asks(self, *path: str) -> bool:
        """Whether an option is given, with a value that asks for something."""
        return not asks_for_nothing(self.used.get(*path))

    def is_certain(self, *path: str) -> bool:
        """Whether the value that counts, which may be the default, is what the operator intends."""
        used, intended = self.used.get(*path), self.intended.get(*path)
        return used == intended and (used is not None or (self.whole and path[:-1] not in self.unclear))

    def place(self, *path: str) -> Place | None:
        """Where an option is in a file; None if it is in none."""
        return None if self._flag(path) else self.used.place(path)

    def name(self, *path: str) -> str:
        """An option as it was given: by its flag, or by its name in the file."""
        return self._flag(path) or ".".join(path)

    def origin(self, *path: str) -> str:
        """The same with its place, for another line to refer to."""
        place = self.place(*path)
        if place is not None:
            return f"{self.name(*path)} at {place}"
        return self._flag(path) or f"the default of {'.'.join(path)}"

    def _flag(self, path: tuple[str, ...]) -> str:
        option = ".".join(path)
        if option in ("cluster.host", "cluster.port") and self.flags.get("cluster.listen"):
            option = "cluster.listen"
        return flag_name(option) if option in self.flags else ""


def without(given: Given, reason: str, *path: str) -> Iterator[Problem]:
    """That an option has no effect, if it asks for something."""
    if given.asks(*path):
        yield Problem(f"{given.name(*path)} has no effect {reason}", given.place(*path))
