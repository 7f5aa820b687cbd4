"""The section ``authorization``, for clients (configuration.md, section 3)."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from app.config.section import Key, Seconds, Section, Verdict
from app.domain.bcrypt_hash import BROKEN_HASH, begins_like_hash, parse_hash

_FACTORY = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*")


def _possible_secret(text: str) -> str:
    if begins_like_hash(text) and parse_hash(text) is None:
        raise ValueError(BROKEN_HASH)
    return text


def _factory(name: str) -> str:
    if not _FACTORY.fullmatch(name):
        raise ValueError("must be written package.module:factory")
    return name


Secret = Annotated[str, AfterValidator(_possible_secret), Field(repr=False)]
"""A password or token, plain or as a bcrypt hash."""


class UserOptions(Section):
    """One of several users."""

    user: Annotated[
        str, Field(min_length=1, description="Name of the user."), Key(also=("username",), guards=True)
    ]
    password: Annotated[
        Secret,
        Field(description="The user's password, plain or as a bcrypt hash."),
        Key(also=("pass",), guards=True),
    ] = ""


def _distinct(users: tuple[UserOptions, ...]) -> tuple[UserOptions, ...]:
    if not users:
        raise Verdict(
            "authorization.users must hold at least one user, or nobody would be asked", lacking=True
        )
    first: dict[str, int] = {}
    for position, entry in enumerate(users):
        if first.setdefault(entry.user, position) != position:
            raise Verdict(f'there are two users named "{entry.user}"', position)
    return users


class AuthorizationOptions(Section):
    """Who may come in; with nothing set, everybody."""

    user: Annotated[
        str | None, Field(description="Name of the only user."), Key(also=("username",), guards=True)
    ] = None
    password: Annotated[
        Secret,
        Field(description="That user's password, plain or as a bcrypt hash."),
        Key(also=("pass",), guards=True),
    ] = ""
    token: Annotated[
        Secret,
        Field(description="A token to be shown, plain or as a bcrypt hash; users come before it."),
        Key(guards=True),
    ] = ""
    users: Annotated[
        tuple[UserOptions, ...] | None,
        Field(strict=False, description="Several users, each a map with `user` and `password`."),
        AfterValidator(lambda users: users if users is None else _distinct(users)),
        Key(wrong="Could not parse user array properly, it must be an array of maps", guards=True),
    ] = None
    authenticator: Annotated[
        Annotated[str, AfterValidator(_factory)] | None,
        Field(description="Code of your own that judges, as `package.module:factory`."),
        Key(guards=True),
    ] = None
    authenticator_timeout: Annotated[
        Seconds, Field(description="Time that code has for one verdict."), Key(unit="seconds")
    ] = 2.0
    timeout: Annotated[Seconds, Field(description="Time for a client to log in."), Key(unit="seconds")] = 1.0

    @model_validator(mode="after")
    def _choose_one(self) -> Self:
        if self.user and self.users:
            raise Verdict("Can not have a single user/pass and a users array", "users")
        if self.authenticator and (self.user or self.users or self.token):
            raise Verdict(
                "users or a token cannot stand beside an authenticator of your own; remove one",
                "authenticator",
            )
        return self
