"""Who may stay when users change."""

from dataclasses import replace

import pytest

from app.adapters.auth.login_review import judge_by
from app.adapters.auth.setup import AuthSettings
from app.domain.connection_type import ConnectionType
from app.domain.permissions.rules import Permissions, Rule, entry
from app.domain.security.credentials import Identity
from app.domain.security.reauthorization import Dismissal, Login

STANDARD = ConnectionType.STANDARD
RULES = Permissions(Rule(deny=(entry("x"),)))
NKEY = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"
USERS = AuthSettings(users={"a": "1", "b": "2"}, nkeys=(NKEY,), permissions={"a": RULES})
TOKEN, OTHER_TOKEN = (AuthSettings(token=text) for text in "tu")
OWN = AuthSettings(authenticator="m:f")
CHANGED, REMOVED = Dismissal.CHANGED, Dismissal.REMOVED
A, ANYONE = Login("a", STANDARD, is_anonymous=False), Login("", STANDARD, is_anonymous=True)


@pytest.mark.parametrize(
    ("old", "new", "login", "verdict"),
    [
        (USERS, USERS, A, Identity("a", permissions=RULES)),
        (USERS, replace(USERS, permissions={}), A, Identity("a")),
        (USERS, replace(USERS, users={"b": "2"}), A, REMOVED),
        (USERS, replace(USERS, users={"a": "other"}), A, CHANGED),
        (USERS, replace(USERS, mapped=(STANDARD,)), A, CHANGED),
        (USERS, replace(USERS, mapped=(ConnectionType.WEBSOCKET,)), A, Identity("a", permissions=RULES)),
        (USERS, replace(USERS, listeners={"a": ["WEBSOCKET"]}), A, CHANGED),
        (USERS, replace(USERS, listeners={"a": ["STANDARD"]}), A, Identity("a", permissions=RULES)),
        (USERS, USERS, Login(NKEY, STANDARD, is_anonymous=False), Identity(NKEY)),
        (USERS, replace(USERS, nkeys=()), Login(NKEY, STANDARD, is_anonymous=False), REMOVED),
        (USERS, TOKEN, A, REMOVED),
        (USERS, OWN, A, CHANGED),
        (OWN, USERS, A, CHANGED),
        (USERS, AuthSettings(), A, Identity()),
        (USERS, USERS, ANYONE, CHANGED),
        (TOKEN, TOKEN, Login("", STANDARD, is_anonymous=False), Identity()),
        (TOKEN, OTHER_TOKEN, Login("", STANDARD, is_anonymous=False), CHANGED),
        (TOKEN, replace(TOKEN, users={"a": "1"}), Login("", STANDARD, is_anonymous=False), CHANGED),
    ],
)
def test_a_login(old: AuthSettings, new: AuthSettings, login: Login, verdict: Identity | Dismissal) -> None:
    """It holds if it would be made in the same way again, with the same secret."""
    assert verdict == judge_by(old, new, {})(login)


def test_clients_without_credentials() -> None:
    """They become whom the configuration names for their listener."""
    nobody = Identity("n")
    judge = judge_by(USERS, USERS, {STANDARD: nobody})

    assert nobody == judge(ANYONE)
    assert CHANGED == judge(Login("", ConnectionType.WEBSOCKET, is_anonymous=True))
