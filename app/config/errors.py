"""Errors of a configuration: places, and problems at places.

ConfigError
└── one or more `Problem`s, each a line ``file:line:column: text``
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ..domain.text import printable


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. The text says what is wrong and what was expected, and holds no secret."""

    text: str
    place: Place | None = None
    """None if it is in no file: the file is missing, or a flag is wrong."""

    def __str__(self) -> str:
        line = self.text if self.place is None else f"{self.place}: {self.text}"
        return printable(line)  # names and values may hold line ends and worse


class ConfigError(Exception):
    """A configuration that cannot be used; its text has one line for each problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
