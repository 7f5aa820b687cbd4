"""Options turned into the plain values that the domain and the adapters take."""

import platform
import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ..adapters.auth.setup import AuthSettings
from ..adapters.hooks.setup import HookSettings
from ..adapters.logs.setup import LogSettings
from ..adapters.net_asyncio.local_addresses import global_addresses
from ..adapters.net_asyncio.tls_choice import ChoiceTerms
from ..adapters.net_asyncio.tls_context import TlsFiles, client_context, server_context
from ..adapters.net_asyncio.tls_layer import TlsSettings
from ..config.addresses import parse_advertised
from ..config.options import Options
from ..config.scalars import parse_duration
from ..config.sections.tls import TlsOptions
from ..domain.address import is_wildcard, joined, with_port
from ..domain.closed_clients import CLOSED_CLIENTS
from ..domain.cluster.settings import ClusterSettings
from ..domain.connection_type import ConnectionType
from ..domain.events import Event
from ..domain.jetstream.settings import API_LEVEL
from ..domain.lame_duck import LameDuckTerms
from ..domain.limits import Limits
from ..domain.permissions.configured_users import ConfiguredUsers
from ..domain.permissions.rules import Permissions
from ..domain.protocol.client_level import CLIENT_LEVEL
from ..domain.protocol.encode import ServerInfo
from ..domain.rates import PublishRate
from ..domain.security.credentials import Identity
from ..ports.authenticator import Authenticator
from ..ports.entropy import Entropy
from .identity import ADVERTISED_VERSION

if TYPE_CHECKING:
    from ..adapters.net_asyncio.unix_socket import UnixSocketSettings

AUTO_SECONDS = 0.05
"""How long `handshake_first: auto` waits for a handshake."""


def log_settings(options: Options) -> LogSettings:
    """Where the log goes, and what is in it."""
    return LogSettings(
        log_file=options.log_file,
        json_lines=options.log_format == "json",
        debug=options.debug,
        trace=options.trace,
        logtime=options.logtime,
        in_utc=options.logtime_utc,
        syslog=options.syslog,
        remote_syslog=options.remote_syslog,
    )


def auth_settings(options: Options) -> AuthSettings:
    """The logins of clients."""
    section = options.authorization
    users = {entry.user: entry.password for entry in section.users or () if not entry.nkey}
    if section.user:
        users[section.user] = section.password
    return AuthSettings(
        users=users,
        nkeys=_nkeys(options),
        mapped=_mapped(options),
        anonymous=tuple(identity.user for identity in anonymous(options).values()),
        permissions=_permissions(options),
        publish_rates=_publish_rates(options),
        listeners=_listeners(options),
        logins_per_second=section.login_rate_limit,
        token=section.token,
        authenticator=section.authenticator or "",
        authenticator_seconds=section.authenticator_timeout,
        max_waiting=options.max_connections,
    )


def hook_settings(options: Options) -> HookSettings:
    """Hooks of the operator's own."""
    section = options.hooks
    return HookSettings(section.factory or "", shadow=section.shadow, time_limit=section.time_limit or 0.0)


def _permissions(options: Options) -> Mapping[str, Permissions]:
    """By user or public nkey."""
    section = options.authorization
    default = section.default_permissions
    rules = {entry.nkey or entry.user: entry.permissions or default for entry in section.users or ()}
    return {user: each for user, each in rules.items() if each is not None}


def _publish_rates(options: Options) -> Mapping[str, PublishRate]:
    """By user or public nkey; none for those that have no limit."""
    return {
        entry.nkey or entry.user: PublishRate(entry.publish_rate, entry.publish_bytes_rate)
        for entry in options.authorization.users or ()
        if entry.publish_rate or entry.publish_bytes_rate
    }


def _listeners(options: Options) -> Mapping[str, Collection[str]]:
    """By user or public nkey; none for those that may use all."""
    return {
        entry.nkey or entry.user: entry.allowed_connection_types
        for entry in options.authorization.users or ()
        if entry.allowed_connection_types
    }


def _nkeys(options: Options) -> tuple[str, ...]:
    return tuple(entry.nkey for entry in options.authorization.users or () if entry.nkey)


def nonce_maker(options: Options, entropy: Entropy) -> Callable[[], str] | None:
    """Makes what a new client has to sign; None where nobody can check it.

    Users with an nkey are checked here; an authenticator of the operator's own may have such users.
    """
    return entropy.nonce if _nkeys(options) or options.authorization.authenticator else None


def _mapped(options: Options) -> tuple[ConnectionType, ...]:
    """The listeners at which certificates say who a client or a leaf is."""
    section, types = options.tls, []
    if section is not None and section.verify_and_map:
        types.append(ConnectionType.STANDARD)
    if options.websocket.maps_certificates:
        types.append(ConnectionType.WEBSOCKET)
    if options.leafnodes.maps_certificates and not options.leafnodes.authorization.is_set:
        types.append(ConnectionType.LEAFNODE)
    return tuple(types)


def anonymous(options: Options) -> Mapping[ConnectionType, Identity]:
    """Who a client or a leaf without credentials is, by listener.

    Where certificates say who a client is, that is left to them: as with nats-server 2.15, only a
    user with an nkey can be had without one.
    """
    users = {
        ConnectionType.STANDARD: options.no_auth_user,
        ConnectionType.WEBSOCKET: options.websocket.no_auth_user or options.no_auth_user,
    }
    if options.leafnodes.port:
        users[ConnectionType.LEAFNODE] = options.no_auth_user
    mapped, nkeys, rules = _mapped(options), _nkeys(options), _permissions(options)
    rates, listeners = _publish_rates(options), _listeners(options)
    return {
        kind: Identity(user, permissions=rules.get(user), publish_rate=rates.get(user))
        for kind, user in users.items()
        if user and (kind not in mapped or user in nkeys) and kind.value in listeners.get(user, [kind.value])
    }


def configured_users(options: Options) -> ConfiguredUsers:
    """What is known of users before they log in."""
    auth = auth_settings(options)
    users = {user: auth.permissions.get(user) for user in (*auth.users, *auth.nkeys)}
    nobody = anonymous(options).get(ConnectionType.STANDARD)
    if nobody is not None:
        users.setdefault("", nobody.permissions)
    elif auth.token and not auth.users:
        users[""] = None
    required = bool(users or auth.authenticator)
    return ConfiguredUsers(users, login_required=required, external=bool(auth.authenticator))


def limits(options: Options) -> Limits:
    """The limits of the broker."""
    return Limits(
        max_connections=options.max_connections,
        max_control_line=options.line_limit,
        max_subscriptions=max(0, options.max_subscriptions),
        max_closed_clients=options.max_closed_clients if options.max_closed_clients > 0 else CLOSED_CLIENTS,
        max_payload=options.max_payload,
        max_pending=options.pending_limit,
        ping_interval=options.ping_interval,
        ping_max=options.ping_max,
        write_deadline=options.deadline,
        delay_budget=options.delay_budget,
        auth_timeout=options.authorization.timeout,
        slow_consumer=options.slow_consumer,
    )


def lame_duck_terms(options: Options) -> LameDuckTerms:
    """How long lame duck mode takes."""
    return LameDuckTerms(options.lame_duck_duration, options.lame_duck_grace_period)


def tls_files(section: TlsOptions) -> TlsFiles:
    """The files and ciphers of a section ``tls``."""
    return TlsFiles(
        cert_file=section.cert_file or "",
        key_file=section.key_file or "",
        ca_file=section.ca_file or "",
        verify=section.demands_certificates,
        cipher_suites=section.cipher_suites,
        min_version=section.min_version,
        curves=section.curve_preferences,
    )


def client_tls(options: Options, record: Callable[[Event], None]) -> TlsSettings | None:
    """TLS for clients, if it is on. Raises `TlsError`."""
    if options.tls is None:
        return None
    section = options.tls
    return TlsSettings(
        server_context(tls_files(section)),
        section.timeout,
        record,
        identify=_identifies(section, options),
        first=section.handshake_first is not False,
        rate=section.connection_rate_limit,
        pins=frozenset(section.pinned_certs),
    )


def _identifies(section: TlsOptions, options: Options) -> bool:
    """Whether an authenticator gets the names in the certificates that clients show."""
    has_own = options.authorization.authenticator is not None
    return section.verify_and_map or (section.verify and has_own)


def client_choice(options: Options) -> ChoiceTerms | None:
    """What clients may choose; None if there is nothing."""
    return None if options.tls is None else choice_of(options.tls, optional=options.allow_non_tls)


def choice_of(section: TlsOptions, *, optional: bool) -> ChoiceTerms | None:
    """What the peers of a listener may choose; with `optional` they may go without TLS."""
    first = section.handshake_first
    if first is True or not (first or optional):
        return None
    wait = AUTO_SECONDS if first == "auto" else parse_duration(first) if isinstance(first, str) else None
    return ChoiceTerms(section.timeout, wait, optional)


def tls_demanded(options: Options) -> bool:
    """Whether each client must use TLS."""
    terms = client_choice(options)
    return options.tls is not None and not (terms is not None and terms.optional)


def websocket_tls(options: Options, record: Callable[[Event], None]) -> TlsSettings | None:
    """TLS for websockets, if it is on. The peer begins it at once. Raises `TlsError`."""
    section = options.websocket.tls
    if section is None or options.websocket.no_tls:
        return None
    return TlsSettings(
        server_context(tls_files(section)),
        section.timeout,
        record,
        identify=_identifies(section, options),
        rate=section.connection_rate_limit,
        pins=frozenset(section.pinned_certs),
    )


def unix_socket_settings(options: Options) -> "UnixSocketSettings | None":
    """The unix socket for clients, if there is one."""
    section = options.unix_socket
    if section.path is None:
        return None
    from ..adapters.net_asyncio.unix_socket import UnixSocketSettings  # noqa: PLC0415 - see the head of the container

    return UnixSocketSettings(section.path, int(section.mode, 8), section.group)


def accepted_route_tls(options: Options, record: Callable[[Event], None]) -> TlsSettings | None:
    """TLS for accepted routes, if it is on. Raises `TlsError`.

    Both sides show a certificate, and both verify (cluster-protocol.md, section 8).
    """
    section = options.cluster.tls
    if section is None:
        return None
    return _route_tls(section, server_context, record)


def dialed_route_tls(options: Options, record: Callable[[Event], None]) -> TlsSettings | None:
    """TLS for dialled routes, if it is on. Raises `TlsError`."""
    section = options.cluster.tls
    if section is None:
        return None
    return _route_tls(section, client_context, record)


def _route_tls(
    section: TlsOptions, make: Callable[[TlsFiles], ssl.SSLContext], record: Callable[[Event], None]
) -> TlsSettings:
    context = make(replace(tls_files(section), verify=True))
    pins = frozenset(section.pinned_certs)
    rate = section.connection_rate_limit
    return TlsSettings(context, section.timeout, record, for_routes=True, rate=rate, pins=pins)


def server_info(options: Options, entropy: Entropy, authenticator: Authenticator) -> ServerInfo:
    """The contents of INFO before a port is bound."""
    advertised = parse_advertised(options.client_advertise) if options.client_advertise else None
    server_id = entropy.identifier()
    return ServerInfo(
        server_id=server_id,
        version=ADVERTISED_VERSION if options.compatibility == "0.8.0" else CLIENT_LEVEL,
        go=f"{platform.python_implementation().lower()}{platform.python_version()}",
        host=options.host,
        port=options.port,
        auth_required=authenticator.required and not options.no_auth_user,
        tls_required=tls_demanded(options),
        tls_verify=options.tls is not None and options.tls.demands_certificates,
        tls_available=options.tls is not None and not tls_demanded(options),
        max_payload=options.max_payload,
        headers=not options.no_header_support,
        advertised_host=advertised.host if advertised else "",
        advertised_port=advertised.port if advertised else 0,
        server_name=options.server_name or server_id,
        cluster=options.cluster.name or "",
        jetstream=options.stores_streams,
        domain=jetstream_domain(options),
        api_level=API_LEVEL if options.stores_streams else 0,
    )


def jetstream_domain(options: Options) -> str:
    """The name of this server's streams; empty without JetStream, or a name."""
    section = options.jetstream
    return section.domain or "" if section is not None and section.enabled else ""


def cluster_settings(options: Options) -> ClusterSettings:
    """What the domain needs of the section ``cluster``."""
    section = options.cluster
    return ClusterSettings(
        host=section.host,
        port=section.port,
        user=section.authorization.user or "",
        password=section.authorization.password,
        auth_timeout=section.authorization.timeout,
        tls=section.tls is not None,
        routes=section.routes,
        advertised=section.cluster_advertise or "",
        advertise=not section.no_advertise,
        name=options.server_name or "",
        connect_retries=section.connect_retries,
    )


def cluster_auth_settings(options: Options) -> AuthSettings:
    """The login of other servers."""
    section = options.cluster.authorization
    return AuthSettings(users={section.user: section.password} if section.user else {})


def has_leaves(options: Options) -> bool:
    """Whether the server has leaf nodes, or is one; a remote that is disabled may be enabled later."""
    return bool(options.leafnodes.port or options.leafnodes.remotes)


def client_urls(options: Options, port: int) -> tuple[str, ...]:
    """Addresses of this server for clients of the whole cluster; `port` is the bound one."""
    return urls_at(options.client_advertise, options.host, port)


def websocket_urls(options: Options, port: int) -> tuple[str, ...]:
    """The same for clients that speak websocket."""
    return urls_at(options.websocket.advertise, options.websocket.host, port)


def urls_at(advertised: str | None, host: str, port: int) -> tuple[str, ...]:
    """For a wildcard host they are all addresses that are reachable from other machines."""
    if advertised:
        return (with_port(advertised, port),)
    if is_wildcard(host):
        return tuple(joined(address, port) for address in global_addresses())
    return (joined(host, port),)
