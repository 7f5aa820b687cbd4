"""Permissions in a configuration."""

from pathlib import Path

import pytest

from app.config.errors import ConfigError
from app.config.flags import CONFIG_FILE
from app.config.load import load
from app.config.options import make_options
from app.config.sections.permissions import parse_permissions
from app.domain.permissions.rules import Permissions, Responses, Rule, entry


def test_names() -> None:
    """Each rule has several names, and a value may be a subject, a list or a map."""
    wanted = Permissions(Rule((entry(b"a"),)), Rule((), (entry(b"b", b"q"),)), Responses(2, 0.3))
    responses = {"max": 2, "expires": "300ms"}
    given = {"PUB": "a", "export": {"deny": ["b q"]}, "publish_allow_responses": responses}
    assert parse_permissions(given) == wanted
    assert parse_permissions(wanted) is wanted


def test_responses() -> None:
    """Responses may be on, off, or limited."""
    assert parse_permissions({"allow_responses": True}).responses == Responses(1, 120.0)
    assert parse_permissions({"allow_responses": False}).responses is None
    assert parse_permissions({"allow_responses": {"expires": 3, "max": -1}}).responses == Responses(-1, 3.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"publish": "a..b"}, 'subject "a..b" is not a valid subject'),
        ({"publish": ""}, 'subject "" is not a valid subject'),
        ({"publish": "a.>.b"}, 'subject "a.>.b" is not a valid subject'),
        ({"subscribe": "a q r"}, 'subject "a q r" is not a valid subject'),
        ({"publish": ["a", "b q"]}, 'subject "b q" is not a valid subject'),
        ({"subscribe": "a\r\nb"}, 'subject "a\\r\\nb" is not a valid subject'),
        ({"subscribe": {"allow": "a", "deny": ["b\0"]}}, 'subject "b\\x00" is not a valid subject'),
        ({"subscribe": "a q..x"}, 'subject "a q..x" is not a valid subject'),
        ({"allow_responses": {"max": -2}}, "max of allow_responses must be a number"),
        ({"publish": 5}, "Expected subject permissions to be a subject, or array of subjects, got int64"),
        ({"allow_responses": 5}, "error parsing response permissions, expected a boolean or a map"),
        ({"allow_responses": {"max": "x"}}, "max of allow_responses must be a number"),
        ({"allow_responses": {"expires": "x"}}, "expires of allow_responses"),
        ({"allow_responses": {"expires": -1}}, "expires of allow_responses must be a time"),
        ({"allow_responses": {"foo": 1}}, 'Unknown field "foo" parsing permissions'),
        ({"foo": "a"}, 'Unknown field "foo" parsing permissions'),
        ({"publish": {"foo": "a"}}, 'Unknown field "foo" parsing permissions'),
        ({"pub": "a", "publish": "b"}, 'permissions have "publish" twice'),
        (5, "Expected permissions to be a map, got int64"),
    ],
)
def test_mistakes(value: object, text: str) -> None:
    """A mistake keeps the server from starting, with a text that names it."""
    users = [{"user": "u", "password": "p", "permissions": value}]
    with pytest.raises(ConfigError) as raised:
        make_options({"authorization": {"users": users}})
    assert text in str(raised.value)


def test_blanks() -> None:
    """Any blanks may be between a subject and its queue group, and around them."""
    assert Rule((entry("a", "q"), entry("b"))) == parse_permissions({"sub": [" a \t q ", "b "]}).subscribe


@pytest.mark.parametrize("where", ["user", "default"])
def test_mistakes_have_a_place(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in a file is reported with its line."""
    monkeypatch.chdir(tmp_path)
    block = '{\n    publish: "a"\n    subscribe: ["b", "a..b"]\n  }'
    user = f"permissions: {block}" if where == "user" else ""
    default = f"default_permissions: {block}" if where == "default" else ""
    Path("server.conf").write_text(f"authorization {{\n  users: [{{ user: u, {user} }}]\n  {default}\n}}\n")

    with pytest.raises(ConfigError) as raised:
        load({CONFIG_FILE: "server.conf"}, {})

    line = 2 if where == "user" else 3
    assert str(raised.value).startswith(f"server.conf:{line}:")
    assert 'subject "a..b" is not a valid subject' in str(raised.value)
