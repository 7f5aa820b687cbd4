"""Unit tests of what can be known of a configuration that is broken."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config.errors import ConfigError
from app.config.flags import CONFIG_FILE, parse
from app.config.load import examine, load
from tests.unit.config.trees import read_text


def lines(tmp_path: Path, text: str, *words: str) -> list[str]:
    """What is wrong with a file and flags, without the directory."""
    file = tmp_path / "x.conf"
    file.write_text(text, "utf-8")
    found = examine({CONFIG_FILE: str(file)} | dict(parse(words).given), {})
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in found.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "port: x\nfoo: 1\nmax_payload: 1 2\nping_max: -1",
            [
                "1:7: port must",
                '2:1: unknown key "foo"',
                "3:16: Parse error: expected",
                "4:11: ping_max must",
            ],
        ),
        (
            "port: x\ncluster {\n port: y\n",
            ["1:7: port must", "4:1: Parse error: unclosed '{' opened at line 2"],
        ),
        ("port: x\nlog_file: 'x\nping_max: -1", ["1:7: port must", "2:11: Parse error: unclosed"]),
        ("port: x\n}\nping_max: -1", ["1:7: port must", "2:1: Parse error: '}' closes nothing"]),
        ("{ port: x\n", ["2:1: Parse error: unclosed '{' opened at line 1"]),
        ("max_payload: .5\nport: x", ["1:14: a number needs", "2:7: port must"]),
        ("tls: .5\nauthorization: .5", ["1:6: a number needs", "2:16: a number needs"]),
        ("port: $NOBODY\nping_max: -1", ["1:7: unknown variable", "2:11: ping_max must"]),
        ("include './nope'\nport: x", ["1:9: error opening included file", "2:7: port must"]),
        ("include './nope'\nport: $NOBODY", ["1:9: error opening included file"]),
    ],
)
def test_a_mistake_hides_no_other(tmp_path: Path, text: str, expected: list[str]) -> None:
    """What can be read is judged, though the text around it is broken."""
    found = lines(tmp_path, text)

    assert len(expected) == len(found), found
    assert all(line.startswith(f"x.conf:{part}") for part, line in zip(expected, found, strict=True)), found


@pytest.mark.parametrize(
    "text",
    [
        "N: 5\nport: $N $N",
        "authorization { users: [ { user a b, password: p } ] }",
        "authorization { users: [ a b ] }",
        "tls { cipher_suites: [ a b ] }",
        "tls { cert_file: a b, key_file: k }",
        "https: 8443\ntls { cert_file: a b }",
        "https: 8443\ntls {\n",
        "port: 1 2\nhttp: 4222",
    ],
)
def test_what_is_missing_may_be_in_what_is_broken(tmp_path: Path, text: str) -> None:
    """Where a part cannot be read, only that is reported, and not what may be in it."""
    found = lines(tmp_path, text)

    assert found
    assert all("expected" in line or "unclosed" in line for line in found), found


def test_a_flag_hides_no_mistake_of_the_file(tmp_path: Path) -> None:
    """A wrong value is reported although a flag takes its place; a right one goes without a word."""
    assert ["x.conf:1:7: port must be a whole number"] == lines(tmp_path, 'port: "abc"', "-p", "4333")
    assert [] == lines(tmp_path, "port: 4222\nhttp: 4222", "-p", "4333")


def test_a_second_value_hides_no_mistake_of_the_first(tmp_path: Path) -> None:
    """A value that does not count is judged all the same."""
    text = "port: x\nport: 1\ncluster { routes: [h] }\ncluster { port: -1 }"

    assert ["x.conf:1:7: port must be a whole number", 'x.conf:3:20: error parsing route url ["h"]'] == lines(
        tmp_path, text
    )


def test_a_missing_file_hides_no_mistake_of_a_flag() -> None:
    """Flags are judged though their file is not there."""
    found = examine({CONFIG_FILE: "/nope.conf", "http_port": 99999}, {})

    assert [
        "error opening config file: open /nope.conf: no such file or directory",
        "http_port must be at most 65535",
    ] == [str(problem) for problem in found.problems]


def test_what_is_left_of_a_broken_configuration(tmp_path: Path) -> None:
    """Options without their mistakes say what a start would open."""
    file = tmp_path / "x.conf"
    file.write_text("port: x\nlog_file: l\nauthorization { users: [ { user: 5 } ] }", "utf-8")

    found = examine({CONFIG_FILE: str(file)}, {})

    assert found.options is not None
    assert ("l", 4222, None) == (
        found.options.log_file,
        found.options.port,
        found.options.authorization.users,
    )
    assert found.given.is_certain("log_file")
    assert not found.given.is_certain("port")
    with pytest.raises(ConfigError, match="port must be a whole number"):
        load({CONFIG_FILE: str(file)}, {})


PIECES = [
    "port",
    "tls",
    "authorization",
    "cluster",
    "users",
    "user",
    "routes",
    "listen",
    "N",
    "$N",
    "max_payload",
]
PIECES += [
    "{",
    "}",
    "[",
    "]",
    ":",
    "=",
    ",",
    ";",
    "\n",
    "\n",
    "'",
    '"',
    "1",
    "-1",
    "x",
    "true",
    "0.5",
    "#",
    "h:1",
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join))
def test_any_text_is_judged(text: str) -> None:
    """Whatever a file holds, there are mistakes or options, and each mistake once."""
    found = examine({CONFIG_FILE: "x.conf"}, {}, lambda file, variables: read_text(text, file, variables))

    assert found.problems or found.options is not None
    assert len(found.problems) == len(set(found.problems))
