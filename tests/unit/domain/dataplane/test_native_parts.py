"""The source of the native twin: parts that are found by the names of what they compile."""

import re
from pathlib import Path

import pytest

import app.domain

DOMAIN = Path(app.domain.__file__).parent
PLANE = DOMAIN / "dataplane"
SOURCES = sorted([*PLANE.glob("*.pyx"), *PLANE.glob("*.pxi")])
LONGEST = 500

WITHOUT_PLAIN_MODULE = {"line_memo", "table"}
"""The parts that the plain twin needs no module for."""


def test_parts_are_named_as_what_they_compile() -> None:
    """A part has the name of the module that does the same in plain Python."""
    parts = {path.stem for path in PLANE.glob("*.pxi")}
    modules = {path.stem for path in [*PLANE.glob("*.py"), *(DOMAIN / "subjects").glob("*.py")]}

    assert WITHOUT_PLAIN_MODULE == parts - modules


def test_every_part_is_compiled() -> None:
    """The native twin includes each part once."""
    lines = (PLANE / "native.pyx").read_text().splitlines()
    included = sorted(line for line in lines if line.startswith("include "))

    assert [f'include "{path.name}"' for path in sorted(PLANE.glob("*.pxi"))] == included


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_parts_stay_short(source: Path) -> None:
    """No file of the native twin is longer than a module may be."""
    assert LONGEST > len(source.read_text().splitlines())


DEFINITION = re.compile(
    r"^cdef (?:inline )?(?:class|struct|enum) (\w+)"  # a type
    r"|^cdef (?:inline )?[\w ]+?[ *]+(\w+)(?:\(| =)"  # a function or a constant
    r"|^    (_\w+) = ",  # a member of a nameless enum
    re.MULTILINE,
)
NO_CODE = re.compile(r'"""[\s\S]*?"""|#.*|"[^"\n]*"')


def definitions(source: Path) -> set[str]:
    """What a part gives to the others."""
    return {name for names in DEFINITION.findall(source.read_text()) for name in names if name}


def names_used(source: Path) -> set[str]:
    """All names in the code of a part, but for those after a dot."""
    return set(re.findall(r"(?<![.\w])\w+", NO_CODE.sub("", source.read_text())))


def names_said(source: Path) -> dict[str, set[str]]:
    """What the head of a part says that it uses, by the part that it is from."""
    head = re.sub(r"\n# {5}", " ", source.read_text())
    return {part: set(names.split(", ")) for part, names in re.findall(r"(?m)^# Uses of (\w+): (.+)$", head)}


@pytest.mark.parametrize("source", sorted(PLANE.glob("*.pxi")), ids=lambda path: path.name)
def test_a_part_says_what_it_uses_of_others(source: Path) -> None:
    """They are included into one unit, without imports, so each says at its head what is from where."""
    others = {other.stem: definitions(other) for other in SOURCES if other != source}
    used = names_used(source) - definitions(source)

    assert {part: names & used for part, names in others.items() if names & used} == names_said(source)
