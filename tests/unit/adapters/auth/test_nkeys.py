"""Unit tests of users by nkey."""

import subprocess
import sys

import pytest

from app.adapters.auth.nkeys import NkeyAuthenticator
from app.adapters.auth.setup import AuthSettings, open_authenticator
from app.domain.permissions.rules import Permissions, Rule, entry
from app.domain.security.credentials import Credentials, Identity
from app.ports.authenticator import Authenticator, AuthError
from tests.fakes.single_user import SingleUser
from tests.support.nkeys import NkeyUser

NONCE = "AAAAAAAAAAAAAAA"
USER, OTHER = NkeyUser(1), NkeyUser(2)


def verdict(authenticator: Authenticator, credentials: Credentials) -> Identity | None:
    """What it says about these credentials, if it says it at once and once."""
    answers: list[Identity | None] = []
    authenticator.check(credentials, answers.append)
    (answer,) = answers
    return answer


def test_a_user_who_signs_the_nonce() -> None:
    """The signature of the nonce by a known key lets in, under the key's name."""
    users = NkeyAuthenticator([USER.nkey])

    assert users.required
    assert Identity(USER.nkey) == verdict(
        users, Credentials(nkey=USER.nkey, sig=USER.sig(NONCE), nonce=NONCE)
    )


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials(),
        Credentials(nkey=USER.nkey, nonce=NONCE),
        Credentials(nkey=USER.nkey, sig="x", nonce=NONCE),
        Credentials(nkey=USER.nkey, sig=USER.sig("B" * 15), nonce=NONCE),
        Credentials(nkey=USER.nkey, sig=USER.sig("")),
        Credentials(nkey=USER.nkey, sig=OTHER.sig(NONCE), nonce=NONCE),
        Credentials(nkey=OTHER.nkey, sig=OTHER.sig(NONCE), nonce=NONCE),
        Credentials(nkey=OTHER.nkey, sig=USER.sig(NONCE), nonce=NONCE),
        Credentials(sig=USER.sig(NONCE), nonce=NONCE),
        Credentials("derek", "secret", nkey="x", sig=USER.sig(NONCE), nonce=NONCE),
    ],
)
def test_who_does_not_sign_is_refused(credentials: Credentials) -> None:
    """No, a broken, another's or a replayed signature, and unknown keys are refused, even with a password."""
    assert verdict(NkeyAuthenticator([USER.nkey], None), credentials) is None


def test_permissions() -> None:
    """A key has the permissions that are given for it, one without has none; passwords have theirs beside."""
    rules = Permissions(Rule((entry("a"),)))
    settings = AuthSettings(
        users={"derek": "secret", "ann": "secret"},
        nkeys=[USER.nkey, OTHER.nkey],
        permissions={USER.nkey: rules, "derek": rules},
    )
    users = open_authenticator(settings, lambda _: None)
    signed = [Credentials(nkey=each.nkey, sig=each.sig(NONCE), nonce=NONCE) for each in (USER, OTHER)]

    assert Identity(USER.nkey, permissions=rules) == verdict(users, signed[0])
    assert Identity(OTHER.nkey) == verdict(users, signed[1])
    assert Identity("derek", permissions=rules) == verdict(users, Credentials("derek", "secret"))
    assert Identity("ann") == verdict(users, Credentials("ann", "secret"))
    alone = open_authenticator(
        AuthSettings(nkeys=[USER.nkey], permissions={USER.nkey: rules}), lambda _: None
    )
    assert Identity(USER.nkey, permissions=rules) == verdict(alone, signed[0])


def test_users_with_passwords_beside() -> None:
    """A client without an nkey is judged by its password; closing closes both."""
    users = NkeyAuthenticator([USER.nkey], SingleUser("derek", "secret"))

    assert Identity("derek") == verdict(users, Credentials("derek", "secret"))
    assert verdict(users, Credentials("derek", "wrong")) is None
    assert verdict(users, Credentials("derek", "secret", nkey=OTHER.nkey)) is None
    users.close()
    NkeyAuthenticator([USER.nkey]).close()


def test_a_bad_key_is_an_error() -> None:
    """What is no public key of a user makes no authenticator."""
    with pytest.raises(AuthError, match="Not a valid public nkey for a user"):
        NkeyAuthenticator(["UABC"])


@pytest.mark.parametrize("users", [{}, {"derek": "secret"}])
def test_the_settings_choose_it(users: dict[str, str]) -> None:
    """Keys in the settings are asked for, alone or with users; a token has no effect beside them."""
    settings = AuthSettings(users=users, nkeys=(USER.nkey,), token="t")  # noqa: S106 - nobody's
    authenticator = open_authenticator(settings, lambda event: pytest.fail(event.text()))

    assert isinstance(authenticator, NkeyAuthenticator)
    assert verdict(authenticator, Credentials(token="t")) is None  # noqa: S106 - nobody's
    assert users == {} or Identity("derek") == verdict(authenticator, Credentials("derek", "secret"))
    authenticator.close()


def test_a_server_without_nkeys_does_not_load_the_library() -> None:
    """The cryptography package is imported by the first authenticator that needs it."""
    code = "import sys, app.adapters.auth.setup; sys.exit('cryptography' in sys.modules)"

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
