"""What holds for every configuration: what is written is read, and nothing else ever happens."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TypeVar

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.config.document import Block
from app.config.errors import ConfigError
from app.config.load import read_file
from tests.support.examples import examples
from tests.unit.config.trees import Tree, read_text, tree

SAMPLE = (Path(__file__).parents[3] / "config" / "samples" / "server.conf").read_text()

_T = TypeVar("_T")

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WORDS = st.from_regex(r"[a-zA-Z/][\w./:#@$=-]{3,12}", fullmatch=True).filter(
    lambda word: word.lower() not in ("true", "false", "on", "off", "yes", "no", "include")
)
SCALARS: st.SearchStrategy[Tree] = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.decimals(-10_000, 10_000, places=3).map(float)
    | st.datetimes(datetime(1000, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
        lambda date: date.replace(microsecond=0)
    )
    | TEXT
    | WORDS
)
KEYS = WORDS.map(lambda word: re.sub("[=:#]", "_", word)).filter(lambda key: not key.startswith("/"))
TREES: st.SearchStrategy[Tree] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
DOCUMENTS = st.dictionaries(KEYS, TREES, max_size=5)


class Writer:
    """Writes a tree down in one of the many ways that mean the same."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def document(self, tree: dict[str, Tree]) -> str:
        """A whole file."""
        body = self._pairs(tree, inner=False)
        return body if self._chance.random() < 0.8 else f"{{ {body} }}"

    def _one(self, *choices: _T) -> _T:
        return self._chance.choice(choices)

    def _blank(self) -> str:
        return self._one("", " ", "\t", "  ")

    def _lines(self) -> str:
        return self._one("\n", "\r\n", "\n\n \t\n", "  # a comment: {\n", " // another, 'too\n\t")

    def _pairs(self, tree: dict[str, Tree], *, inner: bool) -> str:
        pairs = [self._pair(key, value, inner=inner) for key, value in tree.items()]
        ends = [self._one(" ", "") + self._one(",", ";", "", "") + self._lines() for _ in pairs]
        return self._lines() + "".join(map("".join, zip(pairs, ends, strict=True)))

    def _pair(self, key: str, value: Tree, *, inner: bool) -> str:
        key = self._one(key, f"'{key}'", f'"{key}"')
        separator = self._one(" ", " = ", ": ", "=", "\n", "\n : ")
        if inner and not separator.isspace() and self._chance.random() < 0.2:
            separator += "\n "
        return f"{key}{separator}{self._value(value)}"

    def _value(self, value: Tree) -> str:
        writers: dict[type, Callable[..., str]] = {
            dict: lambda tree: f"{{{self._pairs(tree, inner=True)}}}",
            list: self._array,
            str: self._text,
            bool: lambda truth: self._one("TRUE", "yes", "on") if truth else self._one("False", "no", "OFF"),
            int: str,
            float: "{:.3f}".format,
            datetime: "{:%Y-%m-%dT%H:%M:%SZ}".format,
        }
        return writers[type(value)](value)

    def _array(self, values: list[Tree]) -> str:
        ends = [
            self._one(" ,", ",", " ") + self._lines() if self._chance.random() < 0.5 else " ," for _ in values
        ]
        body = "".join(
            self._blank() + self._value(value) + end for value, end in zip(values, ends, strict=True)
        )
        return f"[{self._blank()}{self._one('', self._lines())}{body}]"

    def _text(self, text: str) -> str:
        ways = [self._double_quoted(text)]
        if "'" not in text:
            ways.append(f"'{text}'")
        if (
            re.fullmatch(r"[a-zA-Z/][\w./:#@$=-]{3,}", text)
            and not re.fullmatch("(?i)true|false", text)
            and text[:2] != "//"
        ):
            ways.append(f"{text} ")
        return self._one(*ways)

    def _double_quoted(self, text: str) -> str:
        escapes = {"\\": "\\\\", '"': '\\"', "\n": self._one("\n", "\\n"), "\t": self._one("\t", "\\t")}
        return '"' + "".join(escapes.get(character, character) for character in text) + '"'


def outcome(read: Callable[[], Block]) -> list[str]:
    """What is reported when something is read; nothing if all is well."""
    try:
        read()
    except ConfigError as error:
        return str(error).split("\n")
    return []


@given(DOCUMENTS, st.integers(0, 2**32).map(Random))
def test_what_is_written_is_read(document: dict[str, Tree], chance: Random) -> None:
    """Whichever way a tree is written down, it reads back as it was."""
    assert document == tree(Writer(chance).document(document))


@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    """A file of any bytes is read, or refused with a `ConfigError`."""
    path = tmp_path / "nats.conf"
    path.write_bytes(data)

    reported = outcome(lambda: read_file(str(path), {}))

    assert [] == [line for line in reported if not line.startswith(f"{path}:")]


PIECES = [
    *"{}[](),;=:#'\"\\\n\r \t$/-.1ax",
    *("//", "include ", "true", "k ", "$ENV", "$a", "$OTHER", "\n)\n", "a = ", "m {\n", "\\x4"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
@examples(4)
def test_any_pieces(text: str) -> None:
    """Pieces of configurations in any order are read, or refused in lines that name their places."""
    reported = outcome(lambda: read_text(text, "nats.conf", {"ENV": "[1, {a=$ENV}]", "OTHER": "x"}))

    assert [] == [line for line in reported if not re.fullmatch(r"nats\.conf:\d+:\d+: [ -~]+", line)]


@given(
    st.integers(0, len(SAMPLE)), st.integers(0, 3), st.lists(st.sampled_from(PIECES), max_size=2).map("".join)
)
@examples(3)
def test_a_slip_of_the_finger(position: int, removed: int, inserted: str) -> None:
    """One slip in a good file is reported in a few lines at most, and these never hold a secret."""
    text = SAMPLE[:position] + inserted + SAMPLE[position + removed :]
    reported = outcome(lambda: read_text(text, "nats.conf", {}))

    assert 3 >= len(reported)
    assert not re.search(r"\$|W2zko|xH8dk|pass[12]", re.sub("begins with '\\$'", "", "".join(reported)))
