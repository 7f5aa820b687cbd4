"""Rules between options: those that contradict each other, and those without effect beside others.

`contradictions` keep a server from starting; `without_effect` are lines in its log.
"""

import ssl
import sys
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from ..domain.address import is_wildcard
from ..domain.limits import longest_message
from ..domain.security.certificate import comparable, looks_like_certificate_name
from ..domain.security.curves import effective_curves
from ..domain.security.distinguished_name import DistinguishedName, parse_name
from .errors import Problem
from .given import Given, without
from .leaf_rules import idle_leaf_options, leaf_contradictions, leaf_tls_section
from .options import Options
from .sections.tls import TlsOptions

_NO_CERTIFICATE = "TLS Server certificate must be present and valid."
_NO_PRIVATE_KEY = "TLS Server private key must be present and valid."
_NO_TLS = "TLS cert and key required for HTTPS: https_port needs `tls`"
_NO_WEBSOCKET_TLS = "websocket requires TLS configuration: set websocket.tls, or websocket.no_tls: true"

_SETS_LISTS = hasattr(ssl.SSLContext, "set_groups")

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})

_OF_CLUSTERS: tuple[tuple[str, ...], ...] = (
    ("authorization", "user"),
    ("tls",),
    ("no_advertise",),
    ("cluster_advertise",),
    ("connect_retries",),
    ("routes",),
)
_OF_CERTIFICATES = ("tls.cert_file", "tls.key_file", "tls.ca_file")
_LOGIN_FLAGS = {"--user": "authorization.user", "--auth": "authorization.token"}

_NO_CLUSTER = "without a cluster: set cluster.port, or --cluster"
_NO_LOGIN = "because no login is required: set users, a token or an authenticator"


def contradictions(options: Options, given: Given) -> list[Problem]:
    """Options that are right one by one, and wrong together; only what is certain is compared."""
    return [
        *_ports_twice(options, given),
        *_missing_certificates(options, given),
        *_pins_without_certificates(options, given),
        *_too_little_pending(options, given),
        *_unprotected_websockets(options, given),
        *_unknown_users(options, given),
        *_misplaced_maps(options, given),
        *_open_users(options, given),
        *_same_certificates(options, given),
        *_streams_of_gnatsd(options, given),
        *leaf_contradictions(options, given),
    ]


def without_effect(options: Options, given: Given) -> list[Problem]:
    """What was given and asks for something, but another option switches it off."""
    return [
        *_of_logins(options, given),
        *_of_clusters(options, given),
        *_of_unix_sockets(options, given),
        *_of_hooks(options, given),
        *_of_logs(options, given),
        *_of_tls(options, given),
        *_maps_to_nobody(options, given),
        *_of_listeners(options, given),
        *_beside_certificates(options, given),
        *_of_curves(options, given),
        *_replaced_logins(given),
        *_of_streams(options, given),
        *idle_leaf_options(options, given),
        *(Problem(text) for name, text in Options.idle.items() if given.flags.get(name)),
    ]


class _Listener(NamedTuple):
    path: tuple[str, ...]
    host: str
    port: int


def _ports_twice(options: Options, given: Given) -> Iterator[Problem]:
    cluster = options.cluster
    listeners = [
        _Listener(("port",), options.host, options.port),
        _Listener(("cluster", "port"), cluster.host, cluster.port),
        _Listener(("websocket", "port"), options.websocket.host, options.websocket.port),
        _Listener(("leafnodes", "port"), options.leafnodes.host, options.leafnodes.port),
        _Listener(("http_port",), options.http_host or options.host, options.http_port),
        _Listener(("https_port",), options.https_host or options.host, options.https_port),
    ]
    served = [each for each in listeners if each.port > 0 and given.is_certain(*each.path)]
    for one, other in combinations(served, 2):
        if one.port == other.port and _overlap(one.host, other.host):
            origins = f"{given.origin(*one.path)} and {given.origin(*other.path)}"
            text = f"port {one.port} is used twice, by {origins}; use two different ports"
            yield Problem(text, given.place(*other.path) or given.place(*one.path))


def _overlap(one: str, other: str) -> bool:
    """Whether both may be the same address."""
    return one == other or is_wildcard(one) or is_wildcard(other) or {one, other} <= _LOCAL


def _tls_sections(options: Options) -> Iterator[tuple[tuple[str, ...], TlsOptions]]:
    sections = (
        (("tls",), options.tls),
        (("cluster", "tls"), options.cluster.tls),
        (("websocket", "tls"), options.websocket.tls),
        leaf_tls_section(options),
    )
    return ((path, section) for path, section in sections if section is not None)


def _missing_certificates(options: Options, given: Given) -> Iterator[Problem]:
    for path, section in _tls_sections(options):
        place = given.used.place(path)
        for key, value, text in (
            ("cert_file", section.cert_file, _NO_CERTIFICATE),
            ("key_file", section.key_file, _NO_PRIVATE_KEY),
        ):
            if not value and given.is_certain(*path, key):
                # By flags alone the text is gnatsd's, which scripts may look for.
                yield Problem(f"{text} Set {'.'.join((*path, key))}" if place else text, place)
    if options.https_port and options.tls is None and given.is_certain("tls"):
        yield Problem(_NO_TLS, given.place("https_port"))


def _pins_without_certificates(options: Options, given: Given) -> Iterator[Problem]:
    """A client shows no certificate unless it is asked for one, so none could connect."""
    for path, section in _tls_sections(options):
        keys = ("verify", "verify_and_map", "pinned_certs")
        certain = all(given.is_certain(*path, key) for key in keys)
        useless = bool(section.pinned_certs) and not section.demands_certificates
        if useless and certain and path[0] != "cluster":
            name = ".".join(path)
            text = f"{name}.pinned_certs requires client certificates: set {name}.verify: true"
            yield Problem(text, given.place(*path, "pinned_certs"))


def _unprotected_websockets(options: Options, given: Given) -> Iterator[Problem]:
    section = options.websocket
    certain = all(given.is_certain("websocket", key) for key in ("port", "no_tls", "tls"))
    if section.port and section.tls is None and not section.no_tls and certain:
        yield Problem(_NO_WEBSOCKET_TLS, given.place("websocket", "port"))


def _unknown_users(options: Options, given: Given) -> Iterator[Problem]:
    """Users for clients without credentials have to be configured."""
    users = options.authorization.users
    if not given.is_certain("authorization", "users"):
        return
    for path, name in (
        (("no_auth_user",), options.no_auth_user),
        (("websocket", "no_auth_user"), options.websocket.no_auth_user),
    ):
        key = ".".join(path)
        if not name or not given.is_certain(*path):
            continue
        if users is None:
            text = f'{key}: "{name}" needs authorization.users; add them, or remove {key}'
            yield Problem(text, given.place(*path))
        elif name not in {entry.nkey or entry.user for entry in users}:
            text = f'{key}: "{name}" is not among authorization.users; add it, or name another user'
            yield Problem(text, given.place(*path))


def _misplaced_maps(options: Options, given: Given) -> Iterator[Problem]:
    """Certificates say who a client is only where there are clients, and certificates."""
    cluster, websocket = options.cluster.tls, options.websocket
    if cluster is not None and cluster.verify_and_map:
        text = "cluster.tls.verify_and_map is for clients; servers log in by cluster.authorization: remove it"
        yield Problem(text, given.place("cluster", "tls", "verify_and_map"))
    if websocket.tls is not None and websocket.tls.verify_and_map and websocket.no_tls:
        text = "websocket.tls.verify_and_map needs TLS, which websocket.no_tls switches off: remove one"
        yield Problem(text, given.place("websocket", "tls", "verify_and_map"))


def _open_users(options: Options, given: Given) -> Iterator[Problem]:
    """Users of certificates would need nothing but their name where certificates do not count."""
    exempt = (options.no_auth_user, options.websocket.no_auth_user)
    paths = ("tls",), ("websocket",), ("authorization", "users")
    if options.maps_certificates or not all(given.is_certain(*path) for path in paths):
        return
    for position, entry in enumerate(options.authorization.users or ()):
        is_open = not entry.password and entry.user not in exempt
        if is_open and looks_like_certificate_name(entry.user):
            text = (
                f'user "{entry.user}" has no password, and no listener has tls.verify_and_map: '
                "set it, or give the user a password"
            )
            yield Problem(text, given.used.place(("authorization", "users", position)))


def _same_certificates(options: Options, given: Given) -> Iterator[Problem]:
    """Two users may have the same name in other words."""
    first: dict[DistinguishedName, str] = {}
    for position, entry in enumerate(options.authorization.users or ()):
        name = parse_name(entry.user) if options.maps_certificates else None
        if name is None:
            continue
        known = first.setdefault(comparable(name), entry.user)
        if known != entry.user:
            text = f'users "{known}" and "{entry.user}" are one and the same certificate; remove one'
            yield Problem(text, given.used.place(("authorization", "users", position)))


def _too_little_pending(options: Options, given: Given) -> Iterator[Problem]:
    """If both are set. One message always fits, but then the given bound is not kept."""
    paths = ("max_pending_size",), ("max_payload",), ("max_control_line",)
    if not (given.asks("max_pending_size") and given.asks("max_payload")):
        return
    if not all(given.is_certain(*path) for path in paths):
        return
    least = longest_message(options.max_payload, options.line_limit)
    if options.max_pending_size < options.max_payload:
        text = (
            f"max_pending_size ({options.max_pending_size}) is too small for one message of max_payload "
            f"({options.max_payload}): set it to {least} or more, or lower max_payload; they are "
            f"{given.origin('max_pending_size')} and {given.origin('max_payload')}"
        )
        yield Problem(text, given.place("max_pending_size"))


def _of_logins(options: Options, given: Given) -> Iterator[Problem]:
    asked = options.authorization
    if asked.user or asked.users:
        yield from without(given, "because users are set", "authorization", "token")
    for section, path in (
        (options.authorization, ("authorization",)),
        (options.cluster.authorization, ("cluster", "authorization")),
    ):
        if not section.user:
            yield from without(given, "without a user", *path, "password")
    if not asked.users:
        yield from without(given, "without authorization.users", "authorization", "default_permissions")
    if not asked.authenticator:
        yield from without(given, "without an authenticator", "authorization", "authenticator_timeout")
        if not (asked.user or asked.users or asked.token):
            yield from without(given, _NO_LOGIN, "authorization", "timeout")
            yield from _empty(given)


def _empty(given: Given) -> Iterator[Problem]:
    """Logins that are given without a value, as by a variable that is empty: no login is required."""
    for option in ("user", "token"):
        path = ("authorization", option)
        if given.used.get(*path) == "" or given.flags.get(".".join(path)) == "":
            yield Problem(f"{given.name(*path)} is empty: no login is required", given.place(*path))


def _of_clusters(options: Options, given: Given) -> Iterator[Problem]:
    if options.cluster.port:
        return
    yield from without(given, _NO_CLUSTER, "websocket", "advertise")
    for path in _OF_CLUSTERS:
        yield from without(given, _NO_CLUSTER, "cluster", *path)
    if given.used.get("cluster", "port") is None:
        yield from without(given, _NO_CLUSTER, "cluster", "host")
    if given.flags.get("cluster.listen"):
        yield Problem("--cluster has no effect with port 0; write nats://host:port")


def _of_unix_sockets(options: Options, given: Given) -> Iterator[Problem]:
    if options.unix_socket.path is None:
        for name in ("mode", "group"):
            yield from without(given, "without unix_socket.path", "unix_socket", name)


def _of_hooks(options: Options, given: Given) -> Iterator[Problem]:
    if options.hooks.factory is None:
        for name in ("shadow", "time_limit"):
            yield from without(given, "without hooks.factory", "hooks", name)


def _of_logs(options: Options, given: Given) -> Iterator[Problem]:
    if options.log_file:
        for name in ("syslog", "remote_syslog"):
            yield from without(given, f"because the log goes to {given.name('log_file')}", name)
    elif options.remote_syslog:
        yield from without(given, f"because the log goes to {given.name('remote_syslog')}", "syslog")


def _of_tls(options: Options, given: Given) -> Iterator[Problem]:
    if given.flags.get("tls") is False and options.tls is not None and given.flags.get("tls.verify"):
        yield Problem("--tls=false has no effect because --tlsverify switches TLS on")
    if options.tls is None:
        reason = "beside --tls=false" if given.flags.get("tls") is False else "without --tls"
        for name in _OF_CERTIFICATES:
            if given.flags.get(name):
                text = f"{given.name(*name.split('.'))} has no effect {reason}: connections are not encrypted"
                yield Problem(text)


def _maps_to_nobody(options: Options, given: Given) -> Iterator[Problem]:
    """Certificates that name one of several users, where there are none."""
    if options.authorization.users or options.authorization.authenticator:
        return
    for path, section in ((("tls",), options.tls), (("websocket", "tls"), options.websocket.tls)):
        if section is not None and section.verify_and_map:
            key = ".".join(path)
            text = f"{key}.verify_and_map has the effect of {key}.verify without authorization.users"
            yield Problem(text, given.place(*path, "verify_and_map"))


def _of_listeners(options: Options, given: Given) -> Iterator[Problem]:
    """How clients come in over TLS, or without it."""
    if options.tls is None:
        yield from without(given, "without tls: connections are not encrypted", "allow_non_tls")
    elif options.tls.handshake_first is True:
        yield from without(given, "because tls.handshake_first requires TLS", "allow_non_tls")
    for name in ("cluster", "websocket"):
        yield from without(given, "as the handshake always comes first there", name, "tls", "handshake_first")
    if options.websocket.no_tls:
        yield from without(given, "beside websocket.no_tls", "websocket", "tls")


def _beside_certificates(options: Options, given: Given) -> Iterator[Problem]:
    """Ways to do without a certificate, where certificates say who a client is: an nkey is the only one."""
    users, websocket = options.authorization.users or (), options.websocket
    if not users:
        return
    nkeys = {entry.nkey for entry in users if entry.nkey}
    if options.tls is not None and options.tls.verify_and_map:
        if not nkeys and options.tls.handshake_first is not True:
            reason = "because tls.verify_and_map lets no client without a certificate in"
            yield from without(given, reason, "allow_non_tls")
        elsewhere = websocket.port and not websocket.maps_certificates and not websocket.no_auth_user
        if options.no_auth_user not in nkeys and not elsewhere:
            yield from without(given, "because of tls.verify_and_map; name an nkey", "no_auth_user")
    if websocket.maps_certificates and websocket.no_auth_user not in nkeys:
        reason = "because of websocket.tls.verify_and_map; name an nkey"
        yield from without(given, reason, "websocket", "no_auth_user")


def _of_curves(options: Options, given: Given) -> Iterator[Problem]:
    for path, section in _tls_sections(options):
        used = effective_curves(section.curve_preferences, lists=_SETS_LISTS)
        unused = [name for name in section.curve_preferences if name not in used]
        if used and unused:
            version = ".".join(map(str, sys.version_info[:2]))
            verb = "has" if len(unused) == 1 else "have"
            text = (
                f"{'.'.join(path)}.curve_preferences: only {used[0]} is used, {', '.join(unused)} {verb} no "
                f"effect: Python {version} sets one curve, 3.15 and newer set them all"
            )
            yield Problem(text, given.place(*path, "curve_preferences"))


def _replaced_logins(given: Given) -> Iterator[Problem]:
    """Logins of the file that a flag has taken the place of, apart from its own option."""
    flag = next((flag for flag, option in _LOGIN_FLAGS.items() if given.flags.get(option)), "")
    for name in ("user", "users", "authenticator"):
        path = ("authorization", name)
        if given.file.get(*path) and not given.asks(*path):
            yield Problem(f"authorization.{name} has no effect beside {flag}", given.file.place(path))


def _streams_of_gnatsd(options: Options, given: Given) -> Iterator[Problem]:
    certain = given.is_certain("jetstream") and given.is_certain("compatibility")
    if options.stores_streams and options.compatibility != "current" and certain:
        text = f"jetstream needs current clients, and {given.origin('compatibility')} is not current"
        yield Problem(text, given.place("jetstream"))


def _of_streams(options: Options, given: Given) -> Iterator[Problem]:
    if not options.stores_streams:
        yield from without(given, "without JetStream: set jetstream, or --jetstream", "store_dir")
