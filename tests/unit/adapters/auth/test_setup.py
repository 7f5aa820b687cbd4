"""Unit tests of choosing the authenticator."""

import pytest

from app.adapters.auth.authenticators import AllowAll, PasswordAuthenticator, TokenAuthenticator
from app.adapters.auth.guard import GuardedFunction
from app.adapters.auth.setup import AuthSettings, open_authenticator
from app.domain.events import Event
from app.domain.security.credentials import Credentials
from app.ports.authenticator import Authenticator, AuthError

HASH = "$2a$04$iyDf3UekqwBuuBszqIrkUeafC2YRN3VBypjEPXjSk1LCbiFVPlxba"


async def admit_all(credentials: Credentials) -> bool:
    """An authenticator of the operator's own."""
    return bool(credentials)


def opened(settings: AuthSettings) -> Authenticator:
    """The authenticator; nothing may be reported meanwhile."""
    return open_authenticator(settings, _unexpected)


def _unexpected(event: Event) -> None:
    pytest.fail(event.text())


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (AuthSettings(), AllowAll),
        (AuthSettings(users={"derek": "x"}), PasswordAuthenticator),
        (AuthSettings(users={"derek": HASH, "alice": ""}), PasswordAuthenticator),
        (AuthSettings(token="x"), TokenAuthenticator),  # noqa: S106 - nobody's
        (AuthSettings(users={"derek": "x"}, token="x"), PasswordAuthenticator),  # noqa: S106 - nobody's
        (AuthSettings(authenticator=f"{__name__}:admit_all"), GuardedFunction),
    ],
    ids=["nothing", "user", "users", "token", "user and token", "own"],
)
def test_the_choice(settings: AuthSettings, kind: type[Authenticator]) -> None:
    """Own code, else users, else a token, else nobody is asked; no event loop is needed for it."""
    authenticator = opened(settings)

    assert kind is type(authenticator)
    assert authenticator.required is (kind is not AllowAll)
    authenticator.close()


@pytest.mark.parametrize(
    "settings",
    [
        AuthSettings(authenticator=f"{__name__}:admit_all", users={"derek": "x"}),
        AuthSettings(authenticator=f"{__name__}:admit_all", token="x"),  # noqa: S106 - nobody's
    ],
    ids=["users", "token"],
)
def test_own_code_stands_alone(settings: AuthSettings) -> None:
    """Users that the operator's own code would ignore are an error."""
    with pytest.raises(AuthError, match="cannot be used with an authenticator of your own"):
        opened(settings)


def test_a_malformed_hash_stops_the_start() -> None:
    """A hash that is none is found when the server starts, not at the first login."""
    with pytest.raises(AuthError, match="the password of user 'derek'"):
        opened(AuthSettings(users={"derek": "$2a$11$short"}))


def test_settings_do_not_show_secrets() -> None:
    """Neither passwords nor the token are in the representation."""
    shown = repr(AuthSettings(users={"derek": "s3cr3t"}, token="t0k3n"))  # noqa: S106 - nobody's

    assert "s3cr3t" not in shown
    assert "t0k3n" not in shown
