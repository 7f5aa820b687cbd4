"""Options of leaf nodes turned into the plain values that the domain and the adapters take."""

from collections.abc import Callable

from ..adapters.auth.leaf_credentials import RemoteLogin
from ..adapters.auth.setup import AuthSettings
from ..adapters.net_asyncio.leaf_dialer import LeafDialSettings
from ..adapters.net_asyncio.local_addresses import global_addresses
from ..adapters.net_asyncio.tls_choice import ChoiceTerms
from ..adapters.net_asyncio.tls_context import TlsFiles, dialing_context, server_context
from ..adapters.net_asyncio.tls_layer import TlsSettings
from ..config.options import Options
from ..config.sections.leaf_nodes import LeafOptions, LeafRemoteOptions, LeafRemoteTlsOptions
from ..domain.address import is_wildcard
from ..domain.connection_type import ConnectionType
from ..domain.events import Event
from ..domain.leaf.settings import LeafListenerSettings, LeafRemoteSettings
from ..domain.security.credentials import Identity
from .settings import anonymous, choice_of, tls_files

LEAF_ROLE = "leafnode"
"""What the log calls such peers in lines about TLS."""


def leaf_auth_settings(options: Options) -> AuthSettings | None:
    """The logins of leaves; None where those of clients count."""
    section = options.leafnodes.authorization
    if not section.is_set:
        return None
    users = {entry.user: entry.password for entry in section.users or ()}
    if section.user:
        users[section.user] = section.password
    return AuthSettings(
        users=users,
        nkeys=(section.nkey,) if section.nkey else (),
        mapped=(ConnectionType.LEAFNODE,) if options.leafnodes.maps_certificates and users else (),
        max_waiting=options.max_connections,
    )


def leaf_anonymous(options: Options) -> Identity | None:
    """The identity of a leaf without credentials; None if it has none."""
    if options.leafnodes.authorization.is_set:
        return None
    return anonymous(options).get(ConnectionType.LEAFNODE)


def leaf_tls(options: Options, record: Callable[[Event], None]) -> TlsSettings | None:
    """TLS for leaves that connect, if it is on. Raises `TlsError`."""
    section = options.leafnodes.tls
    if section is None or not options.leafnodes.port:
        return None
    has_own = options.authorization.authenticator is not None and not options.leafnodes.authorization.is_set
    return TlsSettings(
        server_context(tls_files(section)),
        section.timeout,
        record,
        peers=LEAF_ROLE,
        identify=section.verify_and_map or (section.verify and has_own),
        first=section.handshake_first is not False,
        rate=section.connection_rate_limit,
        pins=frozenset(section.pinned_certs),
    )


def leaf_choice(options: Options) -> ChoiceTerms | None:
    """What leaves may choose; None if there is nothing."""
    section = options.leafnodes.tls
    return None if section is None else choice_of(section, optional=False)


def leaf_listener_settings(options: Options) -> LeafListenerSettings | None:
    """What the domain needs of the listener, if there is one."""
    section = options.leafnodes
    if not section.port:
        return None
    return LeafListenerSettings(
        host=section.host,
        port=section.port,
        auth_timeout=section.authorization.timeout,
        tls_required=section.tls is not None,
        tls_verify=section.tls is not None and section.tls.demands_certificates,
        advertised=section.advertise or _reachable(section.host),
        advertise=not section.no_advertise,
        min_version=section.min_version or "",
    )


def _reachable(host: str) -> str:
    """An address for leaves, where the host means all addresses; empty for the host itself."""
    return next(iter(global_addresses()), "") if is_wildcard(host) else ""


def remote_settings(section: LeafOptions, remote: LeafRemoteOptions) -> LeafRemoteSettings:
    """What the domain needs of a remote."""
    return LeafRemoteSettings(
        urls=remote.urls,
        account=remote.account,
        deny_imports=remote.deny_imports,
        deny_exports=remote.deny_exports,
        hub=remote.hub,
        randomize=not remote.no_randomize,
        reconnect=section.reconnect,
        first_info_timeout=remote.first_info_timeout,
        ignore_discovered=remote.ignore_discovered_servers,
    )


def remote_key(section: LeafOptions, remote: LeafRemoteOptions) -> tuple[object, ...]:
    """What makes a remote another one than before a reload: all of its options, but not its files."""
    logins = tuple((url.tls, url.user, url.password, url.token) for url in remote.urls)
    dialling = dial_settings(section, remote), remote.tls
    return remote_settings(section, remote), remote_login(remote), *dialling, logins


def remote_login(remote: LeafRemoteOptions) -> RemoteLogin:
    """Who this server is for the hubs of a remote."""
    return RemoteLogin(remote.urls, remote.credentials or "", remote.nkey)


def dial_settings(section: LeafOptions, remote: LeafRemoteOptions) -> LeafDialSettings:
    """How the hubs of a remote are dialled."""
    return LeafDialSettings(
        urls=remote.urls,
        demands_tls=remote.tls is not None,
        tls_first=remote.tls is not None and remote.tls.handshake_first,
        dial_seconds=remote.dial_timeout or section.dial_timeout,
        first_info_seconds=remote.first_info_timeout,
    )


def remote_tls(remote: LeafRemoteOptions, record: Callable[[Event], None]) -> TlsSettings:
    """TLS to the hubs of a remote: as it says, or else as it takes to obey a hub. Raises `TlsError`."""
    section = remote.tls or LeafRemoteTlsOptions.unset()
    return TlsSettings(
        dialing_context(remote_files(section), insecure=section.insecure),
        section.timeout,
        record,
        for_routes=True,
        peers=LEAF_ROLE,
        pins=frozenset(section.pinned_certs),
    )


def remote_files(section: LeafRemoteTlsOptions) -> TlsFiles:
    """The files and ciphers of a remote."""
    return TlsFiles(
        cert_file=section.cert_file or "",
        key_file=section.key_file or "",
        ca_file=section.ca_file or "",
        cipher_suites=section.cipher_suites,
        min_version=section.min_version,
        curves=section.curve_preferences,
    )
