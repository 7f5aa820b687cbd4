"""Unit tests of users by certificate."""

import pytest

from app.adapters.auth.certificates import CertificateAuthenticator, CertificateUnknown
from app.adapters.auth.setup import AuthSettings, open_authenticator
from app.domain.connection_type import ConnectionType
from app.domain.events import Event
from app.domain.security.certificate import CertificateNames
from app.domain.security.credentials import Credentials, Identity
from tests.support.nkeys import NkeyUser

ALICE = CertificateNames(emails=("alice@example.org",))
DEREK = CertificateNames(subject=((("CN", "derek"),),))
UNKNOWN_NAMES = CertificateNames(dns_names=("x\x1b.example.org",))
NKEY = NkeyUser(1)
SETTINGS = AuthSettings(
    users={"alice@example.org": "", "CN=derek": "secret", "bob": "foo", "guest": ""},
    mapped=[ConnectionType.STANDARD],
    anonymous=["guest"],
    nkeys=[NKEY.nkey],
)
WEBSOCKET = ConnectionType.WEBSOCKET


def verdict(credentials: Credentials, facts: list[Event] | None = None) -> str | None:
    """The name under which a client is admitted; None if it is refused."""
    answers: list[Identity | None] = []
    authenticator = open_authenticator(SETTINGS, (facts if facts is not None else []).append)
    authenticator.check(credentials, answers.append)
    authenticator.close()
    (answer,) = answers
    return None if answer is None else answer.user


@pytest.mark.parametrize(
    ("credentials", "user"),
    [
        (Credentials(certificate=ALICE), "alice@example.org"),
        (Credentials("bob", certificate=ALICE), "alice@example.org"),
        (Credentials("bob", "foo", certificate=ALICE), None),
        (Credentials(password="secret", certificate=DEREK), "CN=derek"),  # noqa: S106 - nobody's
        (Credentials(certificate=DEREK), None),
        (Credentials("CN=derek", "wrong", certificate=DEREK), None),
        (Credentials("bob", "foo"), None),
        (Credentials("bob", "foo", certificate=UNKNOWN_NAMES), None),
        (Credentials("alice@example.org", certificate=CertificateNames()), None),
    ],
)
def test_where_certificates_count(credentials: Credentials, user: str | None) -> None:
    """The certificate alone says who it is, and a configured password is needed beside it."""
    assert user == verdict(credentials)


@pytest.mark.parametrize(
    ("credentials", "user"),
    [
        (Credentials("bob", "foo", connection_type=WEBSOCKET), "bob"),
        (Credentials("CN=derek", "secret", connection_type=WEBSOCKET), "CN=derek"),
        (Credentials("alice@example.org", connection_type=WEBSOCKET), None),
        (Credentials("alice@example.org", certificate=ALICE, connection_type=WEBSOCKET), None),
        (Credentials("guest", connection_type=WEBSOCKET), "guest"),
        (Credentials(connection_type=WEBSOCKET), None),
    ],
)
def test_where_they_do_not(credentials: Credentials, user: str | None) -> None:
    """Users log in by password; one of certificates cannot, as anybody could name it."""
    assert user == verdict(credentials)


def test_a_key_comes_first() -> None:
    """A client that signs is the user of its key, whatever its certificate says."""
    nonce = "A" * 15
    signed = Credentials(nkey=NKEY.nkey, sig=NKEY.sig(nonce), nonce=nonce, certificate=ALICE)

    assert NKEY.nkey == verdict(signed)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (UNKNOWN_NAMES, 'User required in certificate: x\\x1b.example.org, ""'),
        (None, "User required in certificate: none"),
    ],
)
def test_the_log_says_which_certificate(names: CertificateNames | None, text: str) -> None:
    """An operator finds the names that no user has, made printable."""
    facts: list[Event] = []

    assert verdict(Credentials(certificate=names), facts) is None
    assert [text] == [fact.text() for fact in facts]
    assert [CertificateUnknown] == [type(fact) for fact in facts]


def test_it_asks_for_a_login() -> None:
    """INFO says that a login is required."""
    assert CertificateAuthenticator.required
