"""Unit tests of the section ``authorization``."""

import pytest

from app.adapters.auth.secret import read_secret
from app.config.errors import ConfigError
from app.config.options import make_options
from app.config.sections.authorization import UserOptions, distinct_users
from app.domain.rates import PublishRate
from app.entrypoints.settings import anonymous, auth_settings
from app.ports.authenticator import AuthError
from tests.support.nkeys import NkeyUser

HASH = "$2a$04$iyDf3UekqwBuuBszqIrkUeafC2YRN3VBypjEPXjSk1LCbiFVPlxba"


def message(**given: object) -> str:
    """What is wrong with such a section."""
    with pytest.raises(ConfigError) as raised:
        make_options({"authorization": given})
    return str(raised.value)


def test_several_users() -> None:
    """Users are kept in the order of the file; a password may be empty."""
    given = ({"user": "derek", "password": HASH}, {"user": "bob"})
    options = make_options({"authorization": {"users": given}})

    assert (UserOptions(user="derek", password=HASH), UserOptions(user="bob")) == options.authorization.users


def test_one_user_or_several() -> None:
    """A single user cannot stand beside several."""
    assert "Can not have a single user/pass and a users array" == message(user="u", users=({"user": "v"},))


def test_two_users_of_one_name() -> None:
    """A name that is there twice is named."""
    users = ({"user": "derek"}, {"user": "bob"}, {"user": "derek"})

    assert 'user "derek" is defined twice' == message(users=users)


def test_an_empty_array_of_users() -> None:
    """No users would mean that everybody may come in, so it is refused."""
    assert "authorization.users is empty: add a user, or remove the key" == message(users=())


@pytest.mark.parametrize("users", ["derek", ("derek",), 5, {"user": "derek"}])
def test_users_of_another_shape(users: object) -> None:
    """What is no array of maps is refused as in gnatsd."""
    assert "Could not parse user array properly, it must be an array of maps" == message(users=users)


def test_a_user_without_a_name() -> None:
    """Each of several users has a name."""
    assert [
        "one of authorization.users has neither user nor nkey; add one",
        "one of authorization.users has neither user nor nkey; add one",
    ] == message(users=({"password": "x"}, {"user": ""})).splitlines()


def test_an_authenticator_stands_alone() -> None:
    """Code of the operator's own and users exclude each other."""
    text = "users or a token cannot be combined with an authenticator; remove one of them"

    assert text == message(authenticator="m:f", token="t")  # noqa: S106 - a made-up token


@pytest.mark.parametrize("name", ["m", "m:", ":f", "m:f:g", "m.:f", "m:f()", "a b:c", "1:f"])
def test_an_authenticator_is_named_in_full(name: str) -> None:
    """The name leads to something in a module."""
    assert "authorization.authenticator must be written package.module:factory" == message(authenticator=name)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "plain",
        "$2a",
        "$1a$x",
        HASH,
        HASH.replace("$2a$", "$2b$"),
        HASH.replace("$2a$", "$2x$"),
        HASH.replace("$2a$", "$2y$"),
        HASH.replace("$2a$", "$2c$"),
        HASH[:-1],
        HASH + "x",
        HASH.replace("$04$", "$03$"),
        HASH.replace("$04$", "$32$"),
        HASH.replace("$04$", "$4$"),
        "$2a$",
        HASH[:-1] + "é",
        HASH + "\n",
    ],
)
def test_hashes_are_what_the_adapter_takes_for_hashes(secret: str) -> None:
    """A secret is refused here exactly when the authenticator would refuse it at start."""
    try:
        read_secret(secret)
    except AuthError:
        assert message(password=secret).startswith("authorization.password begins like a bcrypt hash")
    else:
        assert secret == make_options({"authorization": {"password": secret}}).authorization.password


def test_secrets_are_not_shown() -> None:
    """Neither an error nor a representation holds a password or a token."""
    given = {"user": "u", "password": "s3cret", "token": "s3cret"}
    options = make_options({"authorization": given, "cluster": {"authorization": {"password": "s3cret"}}})
    several = make_options({"authorization": {"users": ({"user": "u", "password": "s3cret"},)}})

    assert "s3cret" not in f"{options!r} {several!r}"
    assert "s3cret" not in message(password="$2a$s3cret")  # noqa: S106 - a made-up password


def test_users_by_nkey() -> None:
    """A public key stands for a user without a password, and occurs once."""
    nkey = NkeyUser().nkey
    both = "a user with an nkey has no user name and no password; remove them"

    assert (UserOptions(nkey=nkey),) == make_options(
        {"authorization": {"users": ({"nkey": nkey},)}}
    ).authorization.users
    assert "Not a valid public nkey for a user" == message(users=({"nkey": "UABC"},))
    assert both == message(users=({"nkey": nkey, "user": "derek"},))
    assert both == message(users=({"nkey": nkey, "password": "x"},))
    assert f'user "{nkey}" is defined twice' == message(users=({"nkey": nkey}, {"nkey": nkey}))


def test_publish_rates() -> None:
    """A user with one of both has a rate; 0 is no limit, and less than that an error."""
    users = [
        {"user": "a", "password": "p", "publish_rate": 5},
        {"user": "b", "password": "p", "publish_bytes_rate": 7},
        {"user": "c", "password": "p"},
    ]
    options = make_options({"authorization": {"users": users, "login_rate_limit": 3}, "no_auth_user": "a"})
    settings = auth_settings(options)

    assert {"a": PublishRate(messages=5), "b": PublishRate(payload=7)} == settings.publish_rates
    assert 3 == settings.logins_per_second
    assert PublishRate(messages=5) in {each.publish_rate for each in anonymous(options).values()}
    with pytest.raises(ConfigError):
        make_options({"authorization": {"users": [{"user": "a", "publish_rate": -1}]}})


def test_no_users_are_distinct() -> None:
    """Where no users are asked for there is nothing to check."""
    assert distinct_users(None) is None
