"""A draft: what was given for the options, unchecked, and where each of it stands."""

from collections.abc import Mapping
from copy import deepcopy
from typing import TypeAlias

from app.config.errors import Place

Path: TypeAlias = tuple[str | int, ...]
"""Leads from the whole to a part: names of fields, and positions in arrays."""


class Draft:
    """Values as they were given, nested as the fields of the options are."""

    def __init__(self, values: Mapping[str, object] | None = None) -> None:
        self.values: dict[str, object] = dict(values or {})
        self._places: dict[Path, Place] = {}

    def mark(self, path: Path, place: Place) -> None:
        """Remember where something stands."""
        self._places[path] = place

    def place(self, path: Path) -> Place | None:
        """Where it stands, or else what it is a part of; None when it stands in no file."""
        known = (path[:length] for length in range(len(path), 0, -1))
        return next((self._places[part] for part in known if part in self._places), None)

    def get(self, *path: str) -> object:
        """What was given; None when it was not."""
        found: object = self.values
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def put(self, value: object, *path: str) -> None:
        """Give this, whatever was given before; sections around it are made as needed."""
        self.drop(*path)
        section = self.values
        for name in path[:-1]:
            inner = section.get(name)
            if not isinstance(inner, dict):
                inner = section[name] = {}
            section = inner
        section[path[-1]] = value

    def drop(self, *path: str) -> None:
        """Take it back."""
        section = self.get(*path[:-1])
        if isinstance(section, dict):
            section.pop(path[-1], None)
        self._places = {known: place for known, place in self._places.items() if known[: len(path)] != path}

    def copy(self) -> "Draft":
        """The same, to be changed apart."""
        copied = Draft(deepcopy(self.values))
        copied._places = dict(self._places)
        return copied

    def move_places(self, other: "Draft", path: Path) -> None:
        """Let another draft know, in place of this one, where the parts of something are."""
        for known in [known for known in self._places if known[: len(path)] == path]:
            other.mark(known, self._places.pop(known))
