"""What is known of users without a connection."""

import pytest

from app.domain.permissions.configured_users import ConfiguredUsers, UnknownUser
from app.domain.permissions.rules import Permissions, Rule, entry

RULES = Permissions(Rule((entry("a"),)))


def test_known_users() -> None:
    """A user is known with its permissions, or with none."""
    users = ConfiguredUsers({"alice": RULES, "bob": None})
    assert users.find("alice") is RULES
    assert users.find("bob") is None


def test_every_user_is_let_in() -> None:
    """Where nobody logs in, each name may do everything."""
    assert ConfiguredUsers(login_required=False).find("anyone") is None


@pytest.mark.parametrize(
    ("users", "text"),
    [
        (ConfiguredUsers({"alice": RULES}), 'user "x\\ny" is not in the configuration'),
        (
            ConfiguredUsers(external=True),
            "only the authenticator knows the users; ask about a connection, by its cid",
        ),
    ],
)
def test_unknown_users(users: ConfiguredUsers, text: str) -> None:
    """One line says why nothing is known of a user."""
    with pytest.raises(UnknownUser) as caught:
        users.find("x\ny")
    assert text == str(caught.value)
