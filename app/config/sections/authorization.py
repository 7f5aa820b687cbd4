"""The options of a section ``authorization``: users, tokens, an authenticator."""

from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ...domain.security.bcrypt_hash import BROKEN_HASH, begins_like_hash, parse_hash
from ...domain.security.nkey import public_user_key
from ..foreign_keys import AUTHORIZATION_REFUSED, PROXY_REQUIRED
from .permissions import PermissionsValue
from .section import LARGEST_COUNT, LARGEST_SIZE, Factory, Key, OptionError, Seconds, Section, one_or_more


def _possible_secret(text: str) -> str:
    if begins_like_hash(text) and parse_hash(text) is None:
        raise ValueError(BROKEN_HASH)
    return text


SecretText = Annotated[str, AfterValidator(_possible_secret), Field(repr=False)]
"""A password or token, plain or as a bcrypt hash."""


def _user_nkey(text: str) -> str:
    if public_user_key(text) is None:
        raise OptionError("Not a valid public nkey for a user")
    return text


_CONNECTION_TYPES = frozenset(
    {"STANDARD", "WEBSOCKET", "LEAFNODE", "LEAFNODE_WS", "MQTT", "MQTT_WS", "IN_PROCESS"}
)
"""The words of current servers; there are no listeners here for the last four of them."""


def _connection_type(text: str) -> str:
    if text.upper() not in _CONNECTION_TYPES:
        raise OptionError(
            f'invalid connection type "{text}"; known are {", ".join(sorted(_CONNECTION_TYPES))}'
        )
    return text.upper()


class UserOptions(Section):
    """One of several users."""

    refused: ClassVar = PROXY_REQUIRED

    user: Annotated[str, Field(min_length=1), Key("User name.", also=("username",), guards=True)] = ""
    nkey: Annotated[
        str,
        AfterValidator(_user_nkey),
        Key("Public nkey of the user, in place of a name and password.", guards=True),
    ] = ""
    password: Annotated[
        SecretText, Key("Password of the user, plain or a bcrypt hash.", also=("pass",), guards=True)
    ] = ""
    permissions: Annotated[
        PermissionsValue | None,
        Key("What the user may publish and subscribe to.", also=("permission", "authorization"), guards=True),
    ] = None

    allowed_connection_types: Annotated[
        tuple[Annotated[str, AfterValidator(_connection_type)], ...],
        Field(strict=False),
        BeforeValidator(one_or_more),
        Key(
            "Listeners that the user may use: `STANDARD`, `WEBSOCKET`, `LEAFNODE`; all if empty.",
            also=("connection_types", "clients"),
            guards=True,
        ),
    ] = ()
    publish_rate: Annotated[
        int,
        Field(ge=0, le=LARGEST_COUNT),
        Key("Messages a second that the user may publish, over all its connections; 0 means no limit."),
    ] = 0
    publish_bytes_rate: Annotated[
        int,
        Field(ge=0, le=LARGEST_SIZE),
        Key("The same for the payload of these messages.", unit="bytes"),
    ] = 0

    @model_validator(mode="after")
    def _name_or_nkey(self) -> Self:
        if self.nkey and (self.user or self.password):
            raise OptionError("a user with an nkey has no user name and no password; remove them", "nkey")
        if not self.nkey and not self.user:
            raise OptionError("one of authorization.users has neither user nor nkey; add one", lacking=True)
        return self


def distinct_users(users: tuple[UserOptions, ...] | None) -> tuple[UserOptions, ...] | None:
    """The same. Raises `OptionError` for none at all, and for one that is defined twice."""
    if users == ():
        raise OptionError("authorization.users is empty: add a user, or remove the key", lacking=True)
    first: dict[str, int] = {}
    for position, entry in enumerate(users or ()):
        name = entry.nkey or entry.user
        if first.setdefault(name, position) != position:
            raise OptionError(f'user "{name}" is defined twice', position)
    return users


class AuthorizationOptions(Section):
    """Credentials required of clients; none if nothing is set."""

    refused: ClassVar = AUTHORIZATION_REFUSED
    needs: ClassVar = {"permissions": "users", "default_permission": "users"}
    """Not `default_permissions`: gnatsd starts with it, with any login."""

    user: Annotated[
        str | None, Key("User name, if there is a single user.", also=("username",), guards=True)
    ] = None
    password: Annotated[
        SecretText, Key("Password of the single user, plain or a bcrypt hash.", also=("pass",), guards=True)
    ] = ""
    token: Annotated[
        SecretText, Key("Token, plain or a bcrypt hash; has no effect if there are users.", guards=True)
    ] = ""
    users: Annotated[
        tuple[UserOptions, ...] | None,
        Field(strict=False),
        AfterValidator(distinct_users),
        Key(
            "Several users, each a map with `user` and `password`.",
            wrong="Could not parse user array properly, it must be an array of maps",
            guards=True,
        ),
    ] = None
    default_permissions: Annotated[
        PermissionsValue | None,
        Key(
            "Permissions of users that have none of their own.",
            also=("default_permission", "permissions"),
            guards=True,
        ),
    ] = None
    authenticator: Annotated[
        Factory | None,
        Key("Authenticator of your own, as `package.module:factory`.", guards=True),
    ] = None
    authenticator_timeout: Annotated[Seconds, Key("Time limit for one answer of the authenticator.")] = 2.0
    timeout: Annotated[Seconds, Key("Time limit for a client's login.")] = 1.0
    login_rate_limit: Annotated[
        int,
        Field(ge=0, le=LARGEST_COUNT),
        Key("Maximum number of logins checked per second; further ones wait. 0 means no limit."),
    ] = 0

    @model_validator(mode="after")
    def _choose_one(self) -> Self:
        if self.user and self.users:
            raise OptionError("Can not have a single user/pass and a users array", "users")
        if self.authenticator and (self.user or self.users or self.token):
            text = "users or a token cannot be combined with an authenticator; remove one of them"
            raise OptionError(text, "authenticator")
        return self
