"""Unit tests of the authenticators that answer at once."""

import pytest

from app.adapters.auth.plain import OpenDoor, SingleToken, SingleUser
from app.domain.credentials import Answer, Credentials, Identity
from app.ports.authenticator import Authenticator


def verdict(authenticator: Authenticator, credentials: Credentials) -> Identity | None:
    """What it says, if it says it at once and once; it is closed afterwards."""
    answers: list[Identity | None] = []
    answer: Answer = answers.append
    authenticator.check(credentials, answer)
    authenticator.close()
    (identity,) = answers
    return identity


@pytest.mark.parametrize("user", ["", "derek", "\udc00"])
def test_the_open_door(user: str) -> None:
    """Everybody comes in, and the name that is claimed counts for nothing."""
    door = OpenDoor()

    assert not door.required
    assert Identity() == verdict(door, Credentials(user, "whatever", "whatever"))


@pytest.mark.parametrize(
    ("credentials", "identity"),
    [
        (Credentials("u", "p"), Identity("u")),
        (Credentials("u", "p", "t"), Identity("u")),
        (Credentials("u", "x"), None),
        (Credentials("x", "p"), None),
        (Credentials("u", ""), None),
        (Credentials("u", "\udc00"), None),
        (Credentials("", "", "p"), None),
        (Credentials(), None),
    ],
)
def test_a_single_user(credentials: Credentials, identity: Identity | None) -> None:
    """One name with one password comes in."""
    door = SingleUser("u", "p")

    assert door.required
    assert identity == verdict(door, credentials)


@pytest.mark.parametrize(
    ("credentials", "identity"),
    [
        (Credentials("", "", "t"), Identity()),
        (Credentials("u", "p", "t"), Identity()),
        (Credentials("", "", "x"), None),
        (Credentials("", "", "\udc00"), None),
        (Credentials("t", "t"), None),
        (Credentials(), None),
    ],
)
def test_a_single_token(credentials: Credentials, identity: Identity | None) -> None:
    """Whoever shows the token comes in."""
    door = SingleToken("t")

    assert door.required
    assert identity == verdict(door, credentials)
