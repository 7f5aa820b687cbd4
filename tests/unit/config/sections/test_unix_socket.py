"""Options of the unix socket: the permissions and the group of its file."""

import pytest

from app.config.errors import ConfigError
from app.config.options import make_options


@pytest.mark.parametrize(
    ("given", "mode"),
    [("0600", "0600"), ("666", "666"), (660, "0660"), (60, "0060"), (0, "0660"), ("", "0660")],
)
def test_modes(given: object, mode: str) -> None:
    """Permissions are octal digits, also without quotes; zero and nothing mean the default."""
    assert mode == make_options({"unix_socket": {"mode": given}}).unix_socket.mode


@pytest.mark.parametrize("mode", ["0o660", "rw", "0888", 888, "1660", 10660, 1.5, -1, True])
def test_what_is_no_mode(mode: object) -> None:
    """Anything else is an error, for it would decide who may connect."""
    with pytest.raises(ConfigError, match="mode"):
        make_options({"unix_socket": {"mode": mode}})


@pytest.mark.parametrize(("given", "group"), [("nats", "nats"), (1000, "1000"), (0, "0"), ("", None)])
def test_groups(given: object, group: str | None) -> None:
    """A group is a name or a number."""
    assert group == make_options({"unix_socket": {"group": given}}).unix_socket.group
