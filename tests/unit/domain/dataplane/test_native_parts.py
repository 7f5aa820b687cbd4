"""The source of the native twin: parts that are found by the names of what they compile."""

from pathlib import Path

import pytest

import app.domain

DOMAIN = Path(app.domain.__file__).parent
PLANE = DOMAIN / "dataplane"
SOURCES = sorted([*PLANE.glob("*.pyx"), *PLANE.glob("*.pxi")])
LONGEST = 500

IN_PLACE_OF_DICTS = {"table"}
"""The one part that the plain twin needs no module for."""


def test_parts_are_named_as_what_they_compile() -> None:
    """A part has the name of the module that does the same in plain Python."""
    parts = {path.stem for path in PLANE.glob("*.pxi")}
    modules = {path.stem for path in [*PLANE.glob("*.py"), *(DOMAIN / "subjects").glob("*.py")]}

    assert IN_PLACE_OF_DICTS == parts - modules


def test_every_part_is_compiled() -> None:
    """The native twin includes each part once."""
    lines = (PLANE / "native.pyx").read_text().splitlines()
    included = sorted(line for line in lines if line.startswith("include "))

    assert [f'include "{path.name}"' for path in sorted(PLANE.glob("*.pxi"))] == included


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_parts_stay_short(source: Path) -> None:
    """No file of the native twin is longer than a module may be."""
    assert LONGEST > len(source.read_text().splitlines())
