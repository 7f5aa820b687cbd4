"""Unit tests of the authenticators: none, users, a token."""

import hashlib
from collections import Counter

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.auth.authenticators import AllowAll, PasswordAuthenticator, TokenAuthenticator
from app.domain.security.credentials import Credentials, Identity
from app.ports.authenticator import Authenticator, AuthError
from tests.fakes.hash_workers import ImmediateWorkers

HASH = "$2a$04$iyDf3UekqwBuuBszqIrkUeafC2YRN3VBypjEPXjSk1LCbiFVPlxba"
"""Of ``secret``, at cost 4."""

COSTLIER = HASH.replace("$04$", "$05$")
"""Of nothing we know, at cost 5."""


def verdict(
    authenticator: Authenticator, user: str = "", password: str = "", token: str = ""
) -> Identity | None:
    """What it says about these credentials, if it says it at once and once."""
    answers: list[Identity | None] = []
    authenticator.check(Credentials(user, password, token), answers.append)
    (answer,) = answers
    return answer


@pytest.fixture(name="costs")
def _costs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cost of every hash that is computed, in order."""
    costs: list[str] = []

    def hashpw(password: bytes, salt: bytes) -> bytes:
        costs.append(salt.decode()[4:6])
        return computed(password, salt)

    computed = bcrypt.hashpw
    monkeypatch.setattr(bcrypt, "hashpw", hashpw)
    return costs


@pytest.mark.parametrize("password", ["secret", HASH], ids=["plain", "bcrypt"])
def test_a_user_who_knows_the_password(password: str) -> None:
    """The right password lets in, under the user's name; a token beside it does not matter."""
    users = PasswordAuthenticator({"derek": password}, ImmediateWorkers())

    assert users.required
    assert Identity("derek") == verdict(users, "derek", "secret")
    assert Identity("derek") == verdict(users, "derek", "secret", "token")


@pytest.mark.parametrize("password", ["secret", HASH], ids=["plain", "bcrypt"])
@pytest.mark.parametrize(
    ("user", "given"),
    [
        ("derek", "Secret"),
        ("derek", ""),
        ("derek", "secret "),
        ("derek", HASH),
        ("Derek", "secret"),
        ("", "secret"),
        ("alice", "secret"),
        ("", ""),
        ("secret", "derek"),
    ],
)
def test_everyone_else(password: str, user: str, given: str) -> None:
    """Another password, another user or none at all is refused."""
    assert verdict(PasswordAuthenticator({"derek": password}, ImmediateWorkers()), user, given) is None


def test_several_users() -> None:
    """Each user has a password of its own, plain or hashed, and that of no other."""
    users = PasswordAuthenticator({"derek": HASH, "alice": "foo", "bob": "secret"}, ImmediateWorkers())

    assert Identity("derek") == verdict(users, "derek", "secret")
    assert Identity("alice") == verdict(users, "alice", "foo")
    assert Identity("bob") == verdict(users, "bob", "secret")
    assert verdict(users, "alice", "secret") is None
    assert verdict(users, "bob", "foo") is None


def test_an_empty_password() -> None:
    """A user whose configured password is empty comes in with an empty one or none, and with no other."""
    users = PasswordAuthenticator({"derek": ""}, ImmediateWorkers())

    assert Identity("derek") == verdict(users, "derek", "")
    assert verdict(users, "derek", "x") is None
    assert verdict(users, "alice", "") is None


def test_an_unknown_user_costs_what_a_wrong_password_costs(costs: list[str]) -> None:
    """One hash of the configured cost is computed either way."""
    users = PasswordAuthenticator({"derek": HASH}, ImmediateWorkers())

    assert verdict(users, "derek", "wrong") is None
    assert verdict(users, "alice", "wrong") is None
    assert verdict(users, "", "") is None

    assert ["04"] * 3 == costs


def test_every_name_takes_the_same_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in is sought for names that exist as well, so its cost shows nothing."""
    sought: list[bytes] = []

    def blake2b(data: bytes, **key: bytes) -> object:
        sought.append(data)
        return hashlib.blake2b(data, **key)  # type: ignore[arg-type] # the key alone is given

    users = PasswordAuthenticator({"derek": "secret", "alice": "foo"}, ImmediateWorkers())
    monkeypatch.setattr("app.adapters.auth.authenticators.blake2b", blake2b)

    for name in ("derek", "alice", "nobody", ""):
        verdict(users, name, "wrong")

    assert [b"derek", b"alice", b"nobody", b""] == sought


def test_time_reveals_nothing_where_costs_differ(costs: list[str]) -> None:
    """Names nobody has look like those of users: some cost little, some much, each always the same."""
    users = PasswordAuthenticator({"derek": HASH, "alice": COSTLIER, "bob": "plain"}, ImmediateWorkers())
    names = [f"nobody{number}" for number in range(100)]

    for name in names:
        assert verdict(users, name, "wrong") is None
    first = Counter(costs)
    costs.clear()
    for name in names:
        assert verdict(users, name, "wrong") is None

    assert first == Counter(costs)
    assert all(15 < count < 55 for count in (first["04"], first["05"], 100 - first.total()))


def test_a_restart_changes_no_name_of_nobody(costs: list[str]) -> None:
    """What a name costs follows from the configuration, so restarts cannot be compared."""
    spent = []
    for _ in range(2):
        users = PasswordAuthenticator({"derek": HASH, "alice": COSTLIER}, ImmediateWorkers())
        for number in range(50):
            verdict(users, f"nobody{number}", "wrong")
        spent.append(costs.copy())
        costs.clear()

    assert spent[0] == spent[1]


def test_the_password_of_a_stand_in_lets_nobody_in() -> None:
    """A name nobody has is refused, even with the password it happens to be compared with."""
    users = PasswordAuthenticator({"derek": "same", "alice": "same"}, ImmediateWorkers())

    assert [None] * 20 == [verdict(users, f"nobody{number}", "same") for number in range(20)]


@pytest.mark.parametrize("token", ["secret", HASH], ids=["plain", "bcrypt"])
def test_a_token(token: str) -> None:
    """Who shows the token comes in, without a name, whatever user and password say."""
    bearers = TokenAuthenticator(token, ImmediateWorkers())

    assert bearers.required
    assert Identity() == verdict(bearers, "", "", "secret")
    assert Identity() == verdict(bearers, "derek", "foo", "secret")
    assert verdict(bearers, "", "", "Secret") is None
    assert verdict(bearers, "", "", "") is None
    assert verdict(bearers, "secret", "secret") is None


def test_a_malformed_hash_names_the_user() -> None:
    """The error says whose password it is, and does not show it."""
    with pytest.raises(AuthError, match=r"^the password of user 'derek' begins like a bcrypt hash") as raised:
        PasswordAuthenticator({"alice": HASH, "derek": HASH[:40]}, ImmediateWorkers())

    assert HASH[7:40] not in str(raised.value)


def test_a_malformed_hash_of_a_token() -> None:
    """The error says that it is the token, and does not show it."""
    with pytest.raises(AuthError, match=r"^the token begins like a bcrypt hash") as raised:
        TokenAuthenticator(HASH[:40], ImmediateWorkers())

    assert HASH[7:40] not in str(raised.value)


WRONG = st.text(st.characters()).filter(lambda text: text not in {"secret", "foo"})
"""Hypothesis tries words of the code too, and these are right."""


@pytest.mark.parametrize(
    "authenticator",
    [
        PasswordAuthenticator({"derek": "secret"}, ImmediateWorkers()),
        PasswordAuthenticator({"derek": HASH}, ImmediateWorkers()),
        PasswordAuthenticator({"derek": HASH, "alice": "foo"}, ImmediateWorkers()),
        TokenAuthenticator("secret", ImmediateWorkers()),
        TokenAuthenticator(HASH, ImmediateWorkers()),
    ],
    ids=["plain user", "hashed user", "users", "plain token", "hashed token"],
)
@given(user=st.text(st.characters()), password=WRONG, token=WRONG)
def test_any_credentials_are_judged(
    authenticator: Authenticator, user: str, password: str, token: str
) -> None:
    """Whatever an unknown user sends is refused, once, and never an exception."""
    assert verdict(authenticator, user, password, token) is None


@pytest.mark.parametrize("kind", [PasswordAuthenticator, TokenAuthenticator])
def test_closing(kind: type[PasswordAuthenticator] | type[TokenAuthenticator]) -> None:
    """Closing lets the threads go."""
    workers = ImmediateWorkers()
    authenticator = (
        PasswordAuthenticator({"derek": "x"}, workers)
        if kind is PasswordAuthenticator
        else TokenAuthenticator("x", workers)
    )

    authenticator.close()

    assert workers.closed


@pytest.mark.parametrize("user", ["", "derek", "\udc00"])
def test_no_authentication(user: str) -> None:
    """Every client is accepted, and the name that it claims counts for nothing."""
    authenticator = AllowAll()

    assert not authenticator.required
    assert Identity() == verdict(authenticator, user, "whatever", "whatever")
