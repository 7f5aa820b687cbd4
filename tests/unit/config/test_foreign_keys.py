"""Keys of nats-server that have no option here."""

import pytest

from app.config.document import Block
from app.config.flags import CONFIG_FILE
from app.config.load import Examined, examine
from tests.support.foreign_keys import IDLE, OFF, OTHER_NAMES, REFUSED
from tests.unit.config.trees import read_text as read_configuration


def _examined(text: str) -> Examined:
    def read(path: str, environment: object) -> Block:  # noqa: ARG001 - the signature of a reader
        return read_configuration(text, path, {})

    return examine({CONFIG_FILE: "x.conf"}, {}, read)


@pytest.mark.parametrize("text", IDLE)
def test_without_effect(text: str) -> None:
    """A key that nothing here depends on costs one line."""
    found = _examined(text)

    assert () == found.problems
    (notice,) = found.notices
    assert "has no effect" in str(notice)


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    """A key whose absence would make the server another one is an error that says so."""
    problems = _examined(text).problems

    assert any("is not supported" in str(problem) for problem in problems)
    assert not any("unknown key" in str(problem) for problem in problems)


@pytest.mark.parametrize("text", [*OFF, *OTHER_NAMES])
def test_accepted(text: str) -> None:
    """What is off asks for nothing, and other names of known keys are known."""
    found = _examined(text)

    assert ((), ()) == (found.problems, found.notices)


def test_an_unknown_listener() -> None:
    """The word of a listener that nobody knows is an error."""
    (problem,) = _examined(
        "authorization { users = [ { user: a, password: b, connection_types: [HTTP] } ] }"
    ).problems

    assert 'invalid connection type "HTTP"' in str(problem)


_LOGINS = ["user: a, password: b", "token: t", ""]


@pytest.mark.parametrize("login", _LOGINS)
@pytest.mark.parametrize("key", ["permissions", "default_permission"])
def test_permissions_of_nobody(login: str, key: str) -> None:
    """Permissions that no user has are an error: they are meant to limit somebody."""
    (problem,) = _examined(f"authorization {{ {login}\n {key} {{ publish: x }} }}").problems

    assert f"{key} are those of authorization.users" in str(problem)


@pytest.mark.parametrize("login", _LOGINS)
def test_default_permissions_of_nobody(login: str) -> None:
    """A file with gnatsd's key starts as it did before, and costs a line."""
    found = _examined(f"authorization {{ {login}\n default_permissions {{ publish: x }} }}")

    assert () == found.problems
    assert any("default_permissions has no effect" in str(notice) for notice in found.notices)


@pytest.mark.parametrize("key", ["root", "system", "gateway", "mqtt", "trusted", "ws", "leaf"])
def test_a_variable_of_that_name(key: str) -> None:
    """A variable may have the name of a key of nats-server that has no meaning here for its value."""
    found = _examined(f"{key}: 4333\nport: ${key}")

    assert ((), ()) == (found.problems, found.notices)


@pytest.mark.parametrize("key", ["root", "ws"])
def test_a_key_that_no_variable_refers_to(key: str) -> None:
    """Without a reference the same key is an error."""
    assert _examined(f"{key}: 4333\nport: 4333").problems


def test_one_listener() -> None:
    """A word alone is an array of one, as in nats-server."""
    found = _examined("authorization { users = [ { user: a, password: b, clients: websocket } ] }")

    assert () == found.problems
    assert found.options is not None
    (user,) = found.options.authorization.users or ()
    assert ("WEBSOCKET",) == user.allowed_connection_types


@pytest.mark.parametrize("value", ["1.3", "1", '"1.1"', "true"])
def test_lowest_versions_of_tls(value: str) -> None:
    """A version that cannot be is refused with those that can be, as they are written."""
    problems = _examined(f"tls {{ min_version: {value} }}").problems

    assert any('tls.min_version must be "1.2" or "1.3", with quotes' in str(each) for each in problems)


def test_limits_of_batches() -> None:
    """Batches are here, and their limits are fixed."""
    (notice,) = _examined("jetstream { limits { batch { max_msgs: 10 } } }").notices

    assert "batch has no effect: batches have fixed limits" in str(notice)
