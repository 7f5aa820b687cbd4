"""The options of a section ``leafnodes``: a listener, and hubs to dial (leaf-nodes.md, section 8)."""

import re
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf, model_validator

from ...domain.leaf.leaf_url import LeafUrl
from ...domain.leaf.settings import FIRST_INFO_SECONDS, GLOBAL, LOGIN_SECONDS, RECONNECT_SECONDS
from ...domain.security.cipher_suites import PREFERRED
from ...domain.security.nkey import public_user_key, user_seed
from ...domain.subjects.subject import is_pattern, tokens_of
from ..addresses import AddressError, parse_leaf
from .authorization import SecretText
from .section import AddressKey, Advertised, Host, Key, OptionError, Port, Seconds, Section
from .tls import CipherNames, CurveNames, MinVersion, Pins, TlsOptions, tls_key

LEAST_VERSION = (2, 8, 0)
"""The oldest server with leaf nodes that nats-server 2.15 lets an operator name."""

TLS_SECONDS = 2.0

_VERSION = re.compile(r"v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:[-+][0-9A-Za-z.+-]*)?", re.ASCII)
_NO_COMPRESSION = ("off", "disabled", "none", "")
_ISOLATION = "is not supported: a hub announces the interest of all its leaves; remove it"
_OF_WEBSOCKETS = "is for remotes over websockets, which are not supported; remove it"


def version_of(text: str) -> tuple[int, int, int] | None:
    """The three numbers of a version, to be compared; None if the text is none."""
    found = _VERSION.fullmatch(text)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]))


def _min_version(text: str) -> str:
    version = version_of(text)
    if version is None:
        raise OptionError("invalid leafnode's minimum version: invalid semver")
    if version < LEAST_VERSION:
        raise OptionError("the minimum version should be at least 2.8.0")
    return text.removeprefix("v")


def _url(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a URL such as nats-leaf://host:port")  # noqa: TRY004 - as in `options`
    try:
        return parse_leaf(value)
    except AddressError as error:
        raise OptionError(str(error)) from error


def _several(value: object) -> object:
    """What is no list as a list of one."""
    return value if isinstance(value, list | tuple) else (value,)


def _subject(text: str) -> str:
    if not is_pattern(tokens_of(text.encode())) or not text.isprintable() or " " in text:
        raise OptionError(f'subject "{text}" is not a valid subject')
    return text


def _nkey(text: str) -> str:
    if public_user_key(text) is None:
        raise OptionError("Not a valid public nkey for leafnode authorization")
    return text


def _seed(text: str) -> str:
    if user_seed(text) is None:
        raise OptionError("Remote leafnode nkey is not a valid seed")
    return text


def _known_account(where: str) -> AfterValidator:
    """Refuses any account but the one that there is; `where` is the place in the error."""

    def check(name: str) -> str:
        if name != GLOBAL:
            text = f'cannot find local account "{name}" specified in leafnode {where}'
            raise OptionError(f'{text}: there is one account, "{GLOBAL}"')
        return name

    return AfterValidator(check)


def no_route_compression(value: object) -> object:
    """Off for what means no compression; `accept` leaves it to a peer, and none of ours asks for it."""
    return "off" if value == "accept" else _no_compression(value)


def _no_compression(value: object) -> object:
    mode = value.get("mode", "") if isinstance(value, dict) else value
    if mode is False or (isinstance(mode, str) and mode.lower() in _NO_COMPRESSION):
        return "off"
    raise OptionError("compression between servers is not supported: remove it, or set it to off")


Account = Annotated[str, Field(min_length=1)]
Compression = Annotated[
    str, BeforeValidator(_no_compression), Key("Compression of links; can only be `off`.")
]
Subjects = Annotated[
    tuple[Annotated[str, AfterValidator(_subject)], ...], BeforeValidator(_several), Field(strict=False)
]
Urls = Annotated[
    tuple[Annotated[InstanceOf[LeafUrl], BeforeValidator(_url)], ...],
    BeforeValidator(_several),
    Field(strict=False),
]


class LeafUserOptions(Section):
    """A leaf that may connect."""

    user: Annotated[str, Field(min_length=1), Key("User name.", also=("username",), guards=True)]
    password: Annotated[
        SecretText, Key("Password of the user, plain or a bcrypt hash.", also=("pass",), guards=True)
    ] = ""
    account: Annotated[
        Account, _known_account("authorization"), Key("Account of the user; there is one, `$G`.")
    ] = GLOBAL


def _distinct(users: tuple[LeafUserOptions, ...] | None) -> tuple[LeafUserOptions, ...] | None:
    seen: set[str] = set()
    for position, entry in enumerate(users or ()):
        if entry.user in seen:
            raise OptionError(f'duplicate user "{entry.user}" detected in leafnode authorization', position)
        seen.add(entry.user)
    if users == ():
        text = "leafnodes.authorization.users is empty: add a user, or remove the key"
        raise OptionError(text, lacking=True)
    return users


class LeafAuthorizationOptions(Section):
    """Who may connect as a leaf; those who may connect as clients if nothing is set."""

    refused: ClassVar = {
        "token": "Leafnode authorization does not allow a token; set user and password, users or nkey",
        "proxy_required": "proxy_required is not supported: there are no trusted proxies; remove it",
    }

    user: Annotated[
        str | None, Key("User name, if there is a single leaf.", also=("username",), guards=True)
    ] = None
    password: Annotated[
        SecretText, Key("Password of that user, plain or a bcrypt hash.", also=("pass",), guards=True)
    ] = ""
    nkey: Annotated[
        Annotated[str, AfterValidator(_nkey)] | None,
        Key("Public nkey of a leaf, in place of user and password.", guards=True),
    ] = None
    users: Annotated[
        tuple[LeafUserOptions, ...] | None,
        Field(strict=False),
        AfterValidator(_distinct),
        Key("Several leaves, each a map with `user` and `password`.", guards=True),
    ] = None
    account: Annotated[
        Account, _known_account("authorization"), Key("Account of leaves; there is one, `$G`.")
    ] = GLOBAL
    timeout: Annotated[Seconds, Key("Time limit for a leaf's login.")] = LOGIN_SECONDS

    @property
    def is_set(self) -> bool:
        """Whether leaves have logins of their own."""
        return bool(self.user or self.users or self.nkey)

    @model_validator(mode="after")
    def _choose_one(self) -> Self:
        if self.user and self.users:
            raise OptionError("can not have a single user/pass and a users array", "users")
        if self.nkey and (self.user or self.users):
            raise OptionError("leafnodes.authorization has an nkey and users; remove one of them", "nkey")
        return self


class LeafTlsOptions(TlsOptions):
    """Keys and certificates of the listener for leaves."""

    timeout: Annotated[Seconds, Key("Time limit for the TLS handshake.")] = TLS_SECONDS


class LeafRemoteTlsOptions(Section):
    """How a hub is verified, and what is shown to it."""

    unknown = 'error parsing tls config, unknown field ["{key}"]'
    idle: ClassVar = {
        key: f"{key} has no effect on links that are dialled"
        for key in ("verify", "verify_and_map", "connection_rate_limit")
    }

    ca_file: Annotated[
        str | None,
        tls_key(
            "CA certificates to trust, a PEM file; those of the system if not set.", "ca_file", "filename"
        ),
    ] = None
    cert_file: Annotated[str | None, tls_key("Client certificate, a PEM file.", "cert_file", "filename")] = (
        None
    )
    key_file: Annotated[
        str | None, tls_key("Private key of that certificate, a PEM file.", "key_file", "filename")
    ] = None
    insecure: Annotated[
        bool, tls_key("Trust any certificate with any name; for tests only.", "insecure", "a boolean")
    ] = False
    handshake_first: Annotated[
        bool,
        Key(
            "Begin TLS before the hub sends INFO, as its `handshake_first` asks.", also=("first", "immediate")
        ),
    ] = False
    timeout: Annotated[Seconds, Key("Time limit for the TLS handshake.")] = TLS_SECONDS
    min_version: MinVersion = "1.2"
    cipher_suites: Annotated[
        CipherNames,
        tls_key("Cipher suites for TLS 1.2, in order of preference.", "cipher_suites", "an array of names"),
    ] = PREFERRED
    curve_preferences: Annotated[
        CurveNames,
        tls_key("Curves for key agreement, as in `tls`.", "curve_preferences", "an array of names"),
    ] = ()
    pinned_certs: Annotated[
        Pins,
        tls_key(
            "Public keys that a hub may have, as in `tls`; any key if empty.",
            "pinned_certs",
            "a list of hex-encoded sha256 of DER encoded SubjectPublicKeyInfo",
        ),
    ] = ()

    @model_validator(mode="after")
    def _whole_pair(self) -> Self:
        if bool(self.cert_file) != bool(self.key_file):
            given, lacking = ("cert_file", "key_file") if self.cert_file else ("key_file", "cert_file")
            raise OptionError(f"{given} of a remote needs {lacking}: set both, or none", given, lacking=True)
        return self


class LeafRemoteOptions(Section):
    """A hub to dial: its addresses, of which one is used at a time, and what is shared with it."""

    refused: ClassVar = {
        "isolate_leafnode_interest": f"isolate_leafnode_interest {_ISOLATION}",
        "isolate": f"isolate {_ISOLATION}",
        "request_isolation": f"request_isolation {_ISOLATION}",
        "jetstream_cluster_migrate": "jetstream_cluster_migrate is not supported: it is for JetStream of "
        "several servers; remove it",
        "proxy": "proxy is not supported: hubs are dialled directly; remove it",
        **{key: f"{key} {_OF_WEBSOCKETS}" for key in ("ws_compression", "ws_compress", "ws_no_masking")},
    }

    urls: Annotated[
        Urls, Key("URLs of the hub, as `nats-leaf://host:port` or `tls://host:port`.", also=("url",))
    ]
    account: Annotated[
        Account,
        _known_account("remote"),
        Key("Account that is shared with the hub; there is one, `$G`.", also=("local",)),
    ] = GLOBAL
    credentials: Annotated[
        str | None, Key("Creds file with JWT and seed, to log in with.", also=("creds",))
    ] = None
    nkey: Annotated[
        str,
        AfterValidator(_seed),
        Field(repr=False),
        Key("Seed of an nkey to log in with; the seed itself, not a file.", also=("seed",)),
    ] = ""
    tls: Annotated[
        LeafRemoteTlsOptions | None,
        Key("TLS to the hub; without it TLS is used if the hub or the URL asks for it.", guards=True),
    ] = None
    deny_imports: Annotated[
        Subjects, Key("Subjects of which nothing is received from the hub.", also=("deny_import",))
    ] = ()
    deny_exports: Annotated[
        Subjects, Key("Subjects of which nothing is sent to the hub.", also=("deny_export",))
    ] = ()
    hub: Annotated[bool, Key("Make this server the hub of the link, although it dials.")] = False
    no_randomize: Annotated[bool, Key("Dial the URLs in the given order.", also=("dont_randomize",))] = False
    ignore_discovered_servers: Annotated[
        bool, Key("Dial only these URLs, not addresses that the hub advertises.")
    ] = False
    dial_timeout: Annotated[
        Seconds | None, Key("Time limit for a connection; that of `leafnodes` if not set.")
    ] = None
    first_info_timeout: Annotated[Seconds, Key("Time limit for the hub's first INFO.")] = FIRST_INFO_SECONDS
    disabled: Annotated[bool, Key("Do not connect to this hub.")] = False
    compression: Compression = "off"

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if not self.urls:
            text = "a remote of leafnodes has no urls; add url or urls"
            raise OptionError(text, lacking=True)
        if self.credentials and self.nkey:
            raise OptionError("Remote leafnode can not have both creds and nkey defined", "nkey")
        return self


def _different(remotes: tuple[LeafRemoteOptions, ...]) -> tuple[LeafRemoteOptions, ...]:
    seen: list[tuple[frozenset[LeafUrl], str]] = []
    for position, remote in enumerate(remotes):
        key = frozenset(remote.urls), remote.account
        if key in seen:
            urls = " ".join(f'"{url}"' for url in remote.urls)
            raise OptionError(f'duplicate remote urls=[{urls}], account="{remote.account}"', position)
        seen.append(key)
    return remotes


class LeafOptions(Section):
    """Leaf nodes. There is a listener for leaves when there is a port, and a link for each remote."""

    addresses: ClassVar = {"listen": AddressKey("host", "port", "Address to listen on for leaf nodes.")}
    refused: ClassVar = {
        "isolate_leafnode_interest": f"isolate_leafnode_interest {_ISOLATION}",
        "isolate": f"isolate {_ISOLATION}",
    }
    idle: ClassVar = {
        "write_timeout": "write_timeout has no effect: a slow leaf is treated as `slow_consumer` says",
        "write_deadline": "write_deadline of leafnodes has no effect: that of clients holds for leaves, too",
    }

    host: Annotated[Host, Key("Host to listen on for leaf nodes.", also=("net",))] = "0.0.0.0"  # noqa: S104 - as for clients
    port: Annotated[
        Port, Key("Port for leaf nodes, by convention 7422; 0 means none, -1 picks a free port.")
    ] = 0
    authorization: Annotated[
        LeafAuthorizationOptions,
        Key("Credentials required of leaves; those of clients if nothing is set.", guards=True),
    ] = LeafAuthorizationOptions.unset()
    tls: Annotated[LeafTlsOptions | None, Key("TLS for leaves that connect.", guards=True)] = None
    remotes: Annotated[
        tuple[LeafRemoteOptions, ...],
        Field(strict=False),
        AfterValidator(_different),
        Key("Hubs to connect to, each a map."),
    ] = ()
    advertise: Annotated[
        Advertised | None,
        Key("Address to advertise to leaves.", also=("leafnode_advertise",)),
    ] = None
    no_advertise: Annotated[bool, Key("Advertise no address to leaves.")] = False
    reconnect: Annotated[
        Seconds,
        Key(
            "Time between two attempts to reach a hub.",
            also=("reconnect_delay", "reconnect_interval"),
        ),
    ] = RECONNECT_SECONDS
    dial_timeout: Annotated[Seconds, Key("Time limit for a connection to a hub.")] = 1.0
    min_version: Annotated[
        Annotated[str, AfterValidator(_min_version)] | None,
        Key("Lowest version of a leaf that may connect, such as `2.10.0`.", also=("minimum_version",)),
    ] = None
    compression: Compression = "off"

    @property
    def maps_certificates(self) -> bool:
        """Whether certificates say which user a leaf is."""
        return bool(self.port) and self.tls is not None and self.tls.verify_and_map

    @property
    def in_use(self) -> tuple[LeafRemoteOptions, ...]:
        """The remotes that are dialled."""
        return tuple(remote for remote in self.remotes if not remote.disabled)
