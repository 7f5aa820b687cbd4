"""Unit tests of logins at hubs."""

from pathlib import Path

import pytest

from app.adapters.auth.leaf_credentials import RemoteCredentials, RemoteLogin
from app.adapters.auth.nkeys import NkeyAuthenticator
from app.domain.leaf.leaf_url import LeafUrl
from app.domain.leaf.settings import LeafLogin, LeafLoginError
from app.domain.security.credentials import Credentials, Identity
from app.ports.authenticator import AuthError
from tests.support.creds import JWT, creds_text
from tests.support.nkeys import NkeyUser

NONCE = "gW1GiF68GlzO8Fo"
USER = NkeyUser()
HUB, OTHER = LeafUrl("hub"), LeafUrl("other")
WORD = "pass"


def test_the_login_of_the_url() -> None:
    """User and password, or a token, are shown to the hub that they were given for."""
    user, token = LeafUrl("a", user="u", password=WORD), LeafUrl("b", token=WORD)
    credentials = RemoteCredentials(RemoteLogin((user, token, HUB)))

    assert LeafLogin("u", WORD) == credentials.login(user, NONCE)
    assert LeafLogin(token=WORD) == credentials.login(token, NONCE)
    assert LeafLogin() == credentials.login(HUB, NONCE)


def test_a_discovered_hub_gets_the_first_login() -> None:
    """It belongs to the hub that has named it."""
    credentials = RemoteCredentials(RemoteLogin((HUB, LeafUrl("a", user="u", password=WORD))))

    assert LeafLogin("u", WORD) == credentials.login(OTHER, NONCE)
    assert LeafLogin() == RemoteCredentials(RemoteLogin((HUB,))).login(OTHER, NONCE)


def test_a_seed_signs() -> None:
    """The signature is one that a listener of this server accepts."""
    login = RemoteCredentials(RemoteLogin((HUB,), seed=USER.seed)).login(HUB, NONCE)
    answers: list[Identity | None] = []
    NkeyAuthenticator([USER.nkey]).check(
        Credentials(nkey=login.nkey, sig=login.sig, nonce=NONCE), answers.append
    )

    assert LeafLogin(nkey=USER.nkey, sig=USER.sig(NONCE)) == login
    assert [Identity(USER.nkey)] == answers


def test_a_seed_that_is_none() -> None:
    """Nothing is shown, and the seed is not in the error."""
    with pytest.raises(LeafLoginError) as raised:
        RemoteCredentials(RemoteLogin((HUB,), seed="SUX")).login(HUB, NONCE)

    assert "SUX" not in str(raised.value)


def test_a_creds_file(tmp_path: Path) -> None:
    """It is read for each login, so a renewed one counts at the next connection."""
    file = tmp_path / "leaf.creds"
    file.write_text(creds_text(USER))
    credentials = RemoteCredentials(RemoteLogin((LeafUrl("hub", user="u"),), creds_file=str(file)))
    assert LeafLogin("u", jwt=JWT, sig=USER.sig(NONCE)) == credentials.login(LeafUrl("hub", user="u"), NONCE)

    file.write_text(creds_text(NkeyUser(2)))
    assert NkeyUser(2).sig(NONCE) == credentials.login(HUB, NONCE).sig

    file.unlink()
    with pytest.raises(LeafLoginError, match="error opening creds file"):
        credentials.login(HUB, NONCE)


def test_a_creds_file_that_is_not_there() -> None:
    """A server with it does not start: the name is wrong, most likely."""
    with pytest.raises(AuthError, match="error opening creds file"):
        RemoteCredentials(RemoteLogin((HUB,), creds_file="/none/leaf.creds"))


def test_no_secret_is_shown() -> None:
    """The representation of a login has neither seed nor password."""
    login = RemoteLogin((LeafUrl("hub", password=WORD),), seed=USER.seed)

    assert USER.seed not in repr(login)
    assert WORD not in repr(login)
