"""Unit tests of files that include others."""

from pathlib import Path

import pytest

from app.config.errors import ConfigError
from app.config.file.reading import LONGEST_CHAIN, MOST_FILES
from app.config.load import read_file
from tests.unit.config.trees import Tree, tree_of


def written(directory: Path, **texts: str) -> str:
    """Files by these names; the path of the first."""
    for name, text in texts.items():
        path = directory / f"{name.replace('__', '/')}.conf"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return str(directory / f"{next(iter(texts))}.conf")


def reported(path: str) -> list[str]:
    """What is wrong with a file; names are relative to its directory."""
    with pytest.raises(ConfigError) as raised:
        read_file(path, {})
    return str(raised.value).replace(f"{Path(path).parent}/", "").splitlines()


@pytest.mark.parametrize(
    "text",
    [
        "include 'b.conf'",
        'include "b.conf"',
        "include ./b.conf",
        "include b.conf # c",
        "include\tb.conf ;",
        "INCLUDE b.conf,",
        "{ include b.conf }",
        "{include b.conf}",
    ],
)
def test_spellings(text: str, tmp_path: Path) -> None:
    """A file is included by its name, with or without quotes, and with no separator."""
    assert {"x": 1} == tree_of(read_file(written(tmp_path, a=text, b="x=1"), {}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x=0\ninclude b.conf\ny=2", {"x": 1, "y": 2}),
        ("include b.conf\nx=0", {"x": 0}),
        ("m { include b.conf, y=2 }", {"m": {"x": 1, "y": 2}}),
        ("m { y=2\n include b.conf }", {"m": {"x": 1, "y": 2}}),
        ("include b.conf\ny=$x", {"x": 1, "y": 1}),
        ("include = b.conf", {"include": "b.conf"}),
        ("'include' b.conf", {"include": "b.conf"}),
        ("includes b.conf", {"includes": "b.conf"}),
    ],
)
def test_members(text: str, expected: dict[str, Tree], tmp_path: Path) -> None:
    """The members of an included file stand where it is included, in a block as on the first level."""
    assert expected == tree_of(read_file(written(tmp_path, a=text, b="x=1"), {}))


def test_relative_names(tmp_path: Path) -> None:
    """A name counts from the directory of the file that includes it."""
    path = written(
        tmp_path,
        a="include parts/b.conf",
        parts__b="include ./c.conf\ninclude ../d.conf",
        parts__c="x=1",
        d="y=2",
    )

    assert {"x": 1, "y": 2} == tree_of(read_file(path, {}))


def test_an_absolute_name(tmp_path: Path) -> None:
    """An absolute name is taken as it is."""
    written(tmp_path, b="x=1")

    assert {"x": 1} == tree_of(read_file(written(tmp_path, c=f"include '{tmp_path}/b.conf'"), {}))


def test_places(tmp_path: Path) -> None:
    """What was included has its place in the file where it is."""
    (member,) = read_file(written(tmp_path, a="include b.conf", b="\n x=1"), {}).members

    assert f"{tmp_path}/b.conf:2:2" == str(member.place)


def test_twice(tmp_path: Path) -> None:
    """A file may be included again when it is through."""
    path = written(tmp_path, a="m {include b.conf}\nn {include b.conf}", b="x=1")

    assert {"m": {"x": 1}, "n": {"x": 1}} == tree_of(read_file(path, {}))


def test_a_file_stands_by_itself(tmp_path: Path) -> None:
    """An included file does not see the keys of the file that includes it."""
    (line,) = reported(written(tmp_path, a="x=1\ninclude b.conf", b="y=$x"))

    assert line.startswith("b.conf:1:3: unknown variable")


def test_circles(tmp_path: Path) -> None:
    """A file that leads back to itself, under whatever name, is refused where it does."""
    path = written(tmp_path, a="include b.conf", b="\nm { include c.conf }")
    (tmp_path / "c.conf").symlink_to(path)

    assert ["b.conf:2:13: include loop: the file is being read already"] == reported(path)


def test_chains(tmp_path: Path) -> None:
    """The row of files that include each other is bounded, just before it is too long to be of use."""
    last = LONGEST_CHAIN
    files = {f"f{n}": f"include f{n + 1}.conf" for n in range(last)}
    path = written(tmp_path, **files, **{f"f{last}": "x=1"})

    assert {"x": 1} == tree_of(read_file(path, {}))

    written(tmp_path, **{f"f{last}": f"include f{last + 1}.conf", f"f{last + 1}": "x=1"})

    assert [f"f{last}.conf:1:9: more than {last} files include each other in a row"] == reported(path)


def test_many_files(tmp_path: Path) -> None:
    """Files that include two others each are refused before they are many."""
    files = {f"f{n}": f"include f{n + 1}.conf\ninclude f{n + 1}.conf" for n in range(12)}

    (line,) = reported(written(tmp_path, **files, f12=""))

    assert line.endswith(f": more than {MOST_FILES} files are included")


def test_depth(tmp_path: Path) -> None:
    """Levels are counted across files."""
    path = written(tmp_path, a="m {" * 60 + "include b.conf" + "}" * 60, b="a=" + "[" * 60 + "]" * 60)

    assert ["b.conf:1:43: nested deeper than 100 levels"] == reported(path)


def test_mistakes_of_all_files(tmp_path: Path) -> None:
    """Mistakes of all files are reported at once, and none follows from another."""
    path = written(
        tmp_path, a="include b.conf\ninclude c.conf\ninclude d.conf\nx = $y\nz = .5", b="y = 1 2", c="y }"
    )
    (tmp_path / "d.conf").write_bytes(b"\xff")

    assert [
        "a.conf:5:5: a number needs a digit before the '.'",
        "b.conf:1:7: Parse error: expected the end of the line, found text",
        "c.conf:1:3: Parse error: '}' closes nothing",
        "d.conf:1:1: the file is not UTF-8 text",
    ] == reported(path)


@pytest.mark.parametrize(
    ("name", "call", "reason"),
    [
        ("nowhere.conf", "open", "open nowhere.conf: no such file or directory"),
        ("'.'", "read", "is a directory"),
        ("'a\0b'", "open", "invalid file name"),
        (f"'{'x' * 300}'", "open", "file name too long"),
    ],
)
def test_unreadable(name: str, call: str, reason: str, tmp_path: Path) -> None:
    """A file that cannot be read is reported where it is included."""
    (line,) = reported(written(tmp_path, a=f"\n include {name}"))

    assert line.startswith(f"a.conf:2:10: error opening included file: {call} ")
    assert line.endswith(reason)
