"""Users that may use some listeners alone."""

import pytest

from app.adapters.auth.listed_listeners import ListedListeners
from app.domain.connection_type import ConnectionType
from app.domain.security.credentials import Credentials, Identity
from tests.fakes.authenticator import ManualAuthenticator

LISTENERS = {"a": ("WEBSOCKET", "LEAFNODE"), "b": ("MQTT",)}


@pytest.mark.parametrize(
    ("user", "kind", "may"),
    [
        ("a", ConnectionType.WEBSOCKET, True),
        ("a", ConnectionType.LEAFNODE, True),
        ("a", ConnectionType.STANDARD, False),
        ("b", ConnectionType.STANDARD, False),
        ("c", ConnectionType.STANDARD, True),
        ("", ConnectionType.STANDARD, True),
    ],
)
def test_where_a_user_connects(user: str, kind: ConnectionType, may: bool) -> None:  # noqa: FBT001 - a column
    """A user is let in at its listeners, and one without a list at all of them."""
    inner, answers = ManualAuthenticator(), list[Identity | None]()
    listed = ListedListeners(inner, LISTENERS)
    listed.check(Credentials("x", connection_type=kind), answers.append)
    inner.admit(user)

    assert [Identity(user) if may else None] == answers


def test_who_is_refused_stays_refused() -> None:
    """What the inner authenticator refuses is refused, and it is closed with this one."""
    inner, answers = ManualAuthenticator(), list[Identity | None]()
    listed = ListedListeners(inner, LISTENERS)
    listed.check(Credentials("a"), answers.append)
    inner.refuse()
    listed.close()

    assert ([None], True, True) == (answers, listed.required, inner.closed)
