"""Every citation in code, tests and documents leads to a page and a numbered section."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.docs.test_readme import PAGES
from tests.support.server_process import ROOT

PROTOCOL = ROOT / "docs" / "protocol"
TOPS = ("app", "benchmarks", "deploy", "fuzz", "screenshots", "soak", "tests")
SUFFIXES = frozenset({".py", ".pyi", ".pyx", ".pxi", ".js", ".toml", ".yml"})
SOURCES = sorted(
    path
    for top in TOPS
    for path in (ROOT / top).rglob("*")
    if path.suffix in SUFFIXES and path.name != Path(__file__).name
)
PLACES = [*SOURCES, *PAGES]

_NUMBERS = r"\d+(?:\.\d+)?(?:(?:, | and | to |, and )\d+(?:\.\d+)?(?![\d.]*\w))*"
_CITATION = re.compile(rf"([\w-]+\.md)[`)]*, sections? ({_NUMBERS})")
_BARE = re.compile(rf"\((?:see )?sections? ({_NUMBERS})\)")
_OWN = re.compile(rf"(?<!\d, )(?<!\.md, )(?<!\.md[`)], )\bsections? ({_NUMBERS})")
"""On a page of the protocol, where only those of RFCs and of other pages have a name before them."""
_PAGE = re.compile(r"(?<![\w/.-])([a-z][a-z0-9-]*\.md)\b")
_ADR = re.compile(r"\bADR (\d{4})\b")


def plain(path: Path) -> str:
    """The text of a file, with line ends, comment signs and indents as single blanks."""
    return re.sub(r"\s+(?:#:? )?", " ", path.read_text("utf-8"))


def numbers(text: str) -> list[str]:
    """The sections that a citation names: "2 to 4 and 8.1" are 2, 3, 4 and 8.1."""
    found: list[str] = []
    for first, last in re.findall(r"(\d+(?:\.\d+)?)(?: to (\d+))?", text):
        found += [first] if not last else map(str, range(int(first), int(last) + 1))
    return found


def citations(text: str, own: str = "") -> list[tuple[str, str]]:
    """All cited pages with their sections; a bare section belongs to the first page cited, or `own`."""
    full = _CITATION.findall(text)
    page = own or (full[0][0] if full else "")
    bare = [(page, sections) for sections in (_OWN if own else _BARE).findall(text)]
    return [(name, number) for name, sections in full + bare for number in numbers(sections)]


@cache
def pages(name: str) -> tuple[Path, ...]:
    """The documents of this name."""
    return tuple(path for path in PAGES if path.name == name)


@cache
def sections(path: Path) -> tuple[str, ...]:
    """The numbers of a page's sections, in order."""
    return tuple(re.findall(r"^##+ (\d+(?:\.\d+)?)\.? ", path.read_text("utf-8"), re.MULTILINE))


def is_there(name: str, section: str) -> bool:
    """Whether exactly one page has this name, and it has this section."""
    found = pages(name)
    return len(found) == 1 and section in sections(found[0])


def named(path: Path) -> str:
    """How a test shows a file."""
    return str(path.relative_to(ROOT))


def test_every_citation_resolves() -> None:
    """The page exists, no other has its name, and it has the section."""
    wrong = [
        (named(place), *cited)
        for place in PLACES
        for cited in citations(plain(place), place.name if place.parent == PROTOCOL else "")
        if not is_there(*cited)
    ]

    assert [] == wrong


def test_every_citation_has_the_name_of_a_file() -> None:
    """A page of the protocol is cited with its suffix; otherwise its sections would not be checked."""
    stems = "|".join(page.stem for page in PROTOCOL.glob("*.md"))
    bare = re.compile(rf"\b(?:{stems}),? sections? \d")

    assert [] == [(named(place), found) for place in PLACES for found in bare.findall(plain(place))]


def test_every_page_named_in_code_exists() -> None:
    """Code names no document that is not there."""
    wrong = [
        (named(source), name)
        for source in SOURCES
        for name in _PAGE.findall(source.read_text("utf-8"))
        if not pages(name)
    ]

    assert [] == wrong


def test_every_decision_named_exists() -> None:
    """An ADR that is named by its number is there."""
    known = {path.name[:4] for path in (ROOT / "docs" / "adr").glob("[0-9]*.md")}

    assert [] == [
        (named(place), number)
        for place in PLACES
        for number in _ADR.findall(place.read_text("utf-8"))
        if number not in known
    ]


@pytest.mark.parametrize("page", sorted(PROTOCOL.glob("*.md")), ids=named)
def test_sections_are_numbered_in_order(page: Path) -> None:
    """A page of the protocol has sections from 1 on, without a gap."""
    whole = [number for number in sections(page) if "." not in number]

    assert list(map(str, range(1, len(whole) + 1))) == whole
    assert {1} == set(Counter(sections(page)).values())


def test_citations_are_found() -> None:
    """The patterns find pages, lists and ranges, over ends of lines and in comments."""
    text = "Obeys a.md, sections 2 to 4, 6 and 8.1; b-c.md, section 5, and more (section 7)."

    assert [
        *[("a.md", number) for number in ("2", "3", "4", "6", "8.1")],
        ("b-c.md", "5"),
        ("a.md", "7"),
    ] == citations(text)
    assert [("own.md", "3"), ("own.md", "5")] == citations("as in section 3 (section 5)", "own.md")
    assert [("a.md", "2")] == citations("see [A](x/a.md), section 2; RFC 1, section 4", "own.md")
    assert [] == citations("see RFC 8446 (RFC 8446, section 4.6.3)")


def test_code_cites_the_protocol() -> None:
    """The pattern finds the citations of the code, and each page of the protocol is cited."""
    cited = Counter(name for source in SOURCES for name, _ in citations(plain(source)))

    assert cited.total() > 100
    assert {page.name for page in PROTOCOL.glob("*.md")} <= set(cited)
