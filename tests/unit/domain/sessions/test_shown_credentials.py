"""Shown credentials: what is judged of a client."""

import pytest

from app.domain.connection_type import ConnectionType
from app.domain.protocol.connect import Connect
from app.domain.security.certificate import CertificateNames
from app.domain.security.credentials import Credentials
from app.domain.security.link_security import Security
from app.domain.sessions.shown_credentials import NOTHING_SHOWN, shown_credentials

STANDARD, WEBSOCKET = ConnectionType.STANDARD, ConnectionType.WEBSOCKET
NAMES = CertificateNames()
SECURITY = Security("1.3", "cipher", certificate=NAMES)


def test_clients_that_show_nothing_share_one_object() -> None:
    """It is equal to the credentials that would be made for each of them."""
    shown = [shown_credentials("", Connect(name=name), None, "", STANDARD) for name in ("a", "b")]

    assert shown[0] is shown[1] is NOTHING_SHOWN
    assert Credentials() == NOTHING_SHOWN


@pytest.mark.parametrize(
    ("connect", "expected"),
    [
        (Connect(password="x"), Credentials(password="x")),  # noqa: S106 - an example
        (Connect(auth_token="x"), Credentials(token="x")),  # noqa: S106 - an example
        (Connect(nkey="x"), Credentials(nkey="x")),
        (Connect(sig="x"), Credentials(sig="x")),
        (Connect(jwt="x"), Credentials(jwt="x")),
    ],
)
def test_all_that_is_shown_is_judged(connect: Connect, expected: Credentials) -> None:
    """Each member of CONNECT that may prove who a client is comes through."""
    assert expected == shown_credentials("", connect, None, "", STANDARD)


def test_what_the_link_says_is_judged() -> None:
    """So are the name, the nonce, the certificate and the listener, for a client without a secret too."""
    nothing = Connect()
    shown = [
        shown_credentials("u", nothing, None, "", STANDARD),
        shown_credentials("", nothing, None, "n", STANDARD),
        shown_credentials("", nothing, SECURITY, "", STANDARD),
        shown_credentials("", nothing, None, "", WEBSOCKET),
    ]

    assert [
        Credentials("u"),
        Credentials(nonce="n"),
        Credentials(certificate=NAMES),
        Credentials(connection_type=WEBSOCKET),
    ] == shown
