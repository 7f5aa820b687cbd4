"""A check of all that a start would open: log, pid file, certificates, addresses, directory of streams.

Each is opened and closed again, and all obstacles are reported at once. Files are
neither made nor changed. A port in use is no obstacle: the server to be restarted may
use it.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..adapters.auth.leaf_credentials import RemoteCredentials
from ..adapters.auth.setup import open_authenticator
from ..adapters.hooks.setup import check_hooks, load_hooks
from ..adapters.logs.destinations import SyslogError
from ..adapters.logs.syslog_address import local_address, remote_address
from ..adapters.logs.syslog_sink import open_syslog
from ..adapters.net_asyncio.listening_socket import listening_socket
from ..adapters.net_asyncio.tls_context import TlsError, check_authorities, client_context, server_context
from ..adapters.net_asyncio.unix_socket import obstacle
from ..adapters.process.files import reason_not_a_directory, reason_not_writable
from ..config.errors import Place, Problem
from ..config.given import Given
from ..config.options import Options
from ..config.sections.tls import TlsOptions
from ..domain.address import joined
from ..domain.dataplane import DataPlaneUnavailable, choose
from ..domain.failure import reason_of
from ..ports.authenticator import AuthError
from ..ports.hooks import HooksError
from ..ports.transport import ListenError
from .leaf_settings import remote_login, remote_tls
from .settings import auth_settings, hook_settings, tls_files, unix_socket_settings
from .stream_settings import store_directory

_PAIR = "error parsing X509 certificate/key pair: "
_IN_USE = "address already in use"


def obstacles(options: Options, given: Given, data_plane: str) -> list[Problem]:
    """What would keep a server from starting; `data_plane` names the twin to run."""
    return [
        *_of_log(options, given),
        *_of_pid_file(options, given),
        *_of_authenticator(options, given),
        *_of_hooks(options, given),
        *_of_tls(options.tls, given, "tls"),
        *_of_tls(options.cluster.tls, given, "cluster", "tls"),
        *_of_tls(None if options.websocket.no_tls else options.websocket.tls, given, "websocket", "tls"),
        *_of_tls(options.leafnodes.tls, given, "leafnodes", "tls"),
        *_of_remotes(options, given),
        *_of_listeners(options, given),
        *_of_unix_socket(options, given),
        *_of_streams(options, given),
        *_of_data_plane(data_plane),
    ]


def _of_log(options: Options, given: Given) -> Iterator[Problem]:
    if options.log_file is not None:
        reason = reason_not_writable(options.log_file)
        if reason:
            text = f"error opening file: open {options.log_file}: {reason}"
            yield Problem(text, given.place("log_file"))
    elif options.remote_syslog is not None or options.syslog:
        name = "syslog" if options.remote_syslog is None else "remote_syslog"
        try:
            url = options.remote_syslog
            open_syslog(local_address() if url is None else remote_address(url), _ignore).close()
        except SyslogError as error:
            yield Problem(str(error), given.place(name))


def _of_pid_file(options: Options, given: Given) -> Iterator[Problem]:
    reason = reason_not_writable(options.pid_file) if options.pid_file is not None else ""
    if reason:
        text = f"Could not write pidfile: open {options.pid_file}: {reason}"
        yield Problem(text, given.place("pid_file"))


def _of_authenticator(options: Options, given: Given) -> Iterator[Problem]:
    if options.authorization.authenticator is None:
        return
    try:
        open_authenticator(auth_settings(options), _ignore).close()
    except AuthError as error:
        yield Problem(str(error), given.place("authorization", "authenticator"))
    except Exception as error:  # noqa: BLE001 - code of the operator may raise anything
        text = f"authenticator {options.authorization.authenticator!r}: closing it failed with {error!r}"
        yield Problem(text, given.place("authorization", "authenticator"))


def _of_hooks(options: Options, given: Given) -> Iterator[Problem]:
    settings = hook_settings(options)
    try:
        check_hooks(load_hooks(settings), settings)
    except HooksError as error:
        yield Problem(str(error), given.place("hooks", "factory"))


def _of_tls(section: TlsOptions | None, given: Given, *path: str) -> Iterator[Problem]:
    """Each file that cannot be read; or else the error of OpenSSL."""
    if section is None:
        return
    unreadable = list(_unreadable(section, given, path))
    yield from unreadable
    if unreadable or not (section.cert_file and section.key_file):
        return
    files, for_routes = tls_files(section), path[0] == "cluster"
    if for_routes:  # routes always use and verify certificates
        files = replace(files, verify=True)
    try:
        server_context(files)
        if for_routes:
            client_context(files)
    except TlsError as error:
        yield Problem(str(error), _place(str(error), section, given, path))
        if section.ca_file and section.ca_file not in str(error):
            yield from _of_authorities(section.ca_file, given, path)


def _of_remotes(options: Options, given: Given) -> Iterator[Problem]:
    """Certificates and creds files of hubs that are dialled."""
    for position, remote in enumerate(options.leafnodes.remotes):
        if remote.disabled:
            continue
        place = given.used.place(("leafnodes", "remotes", position))
        try:
            remote_tls(remote, _ignore)
            RemoteCredentials(remote_login(remote))
        except (AuthError, TlsError) as error:
            yield Problem(f"leafnodes.remotes[{position}]: {error}", place)


def _of_authorities(ca_file: str, given: Given, path: Sequence[str]) -> Iterator[Problem]:
    try:
        check_authorities(ca_file)
    except TlsError as error:
        yield Problem(str(error), given.place(*path, "ca_file"))


def _unreadable(section: TlsOptions, given: Given, path: Sequence[str]) -> Iterator[Problem]:
    named = (("cert_file", _PAIR), ("key_file", _PAIR), ("ca_file", ""))
    for key, beginning in named:
        file: str | None = getattr(section, key)
        if not file:
            continue
        try:
            Path(file).read_bytes()
        except (OSError, ValueError) as error:
            reason = reason_of(error).lower()
            yield Problem(f"{beginning}open {file}: {reason}", given.place(*path, key))


def _place(text: str, section: TlsOptions, given: Given, path: Sequence[str]) -> Place | None:
    """The place of the file that an error is about."""
    keys = ("ca_file",) if "root ca" in text else ("key_file", "cert_file")
    files = {key: getattr(section, key) for key in keys}
    named = next((key for key, file in files.items() if file and f"{file}:" in text), None)
    return given.place(*path, named) if named else given.place(*path)


def _of_listeners(options: Options, given: Given) -> Iterator[Problem]:
    http, https, cluster = options.http, options.https, options.cluster
    listeners: list[tuple[str, str, int, tuple[str, ...], tuple[str, ...]]] = [
        ("clients", options.host, options.port, ("host",), ("port",))
    ]
    if cluster.port:
        listeners.append(("servers", cluster.host, cluster.port, ("cluster", "host"), ("cluster", "port")))
    websocket = options.websocket
    if websocket.port:
        keys = ("websocket", "host"), ("websocket", "port")
        listeners.append(("websockets", websocket.host, websocket.port, *keys))
    leafnodes = options.leafnodes
    if leafnodes.port:
        keys = ("leafnodes", "host"), ("leafnodes", "port")
        listeners.append(("leaf nodes", leafnodes.host, leafnodes.port, *keys))
    if http is not None:
        listeners.append(("HTTP", http.host, http.port, ("http_host",), ("http_port",)))
    if https is not None:
        listeners.append(("HTTPS", https.host, https.port, ("https_host",), ("https_port",)))
    for peers, host, port, *paths in listeners:
        reason = asyncio.run(_reason_not_listening(host, port))
        if reason:
            place = next(filter(None, (given.place(*path) for path in paths)), None)
            yield Problem(f"cannot listen for {peers} on {joined(host, port)}: {reason}", place)


def _of_unix_socket(options: Options, given: Given) -> Iterator[Problem]:
    settings = unix_socket_settings(options)
    reason = "" if settings is None else obstacle(settings)
    if settings is not None and reason:
        text = f"cannot listen for clients on unix socket {settings.path}: {reason}"
        yield Problem(text, given.place("unix_socket", "path"))


def _of_streams(options: Options, given: Given) -> Iterator[Problem]:
    directory = store_directory(options)
    reason = reason_not_a_directory(directory) if options.stores_streams else ""
    if reason:
        place = given.place("jetstream", "store_dir") or given.place("store_dir")
        yield Problem(f"could not create storage directory {directory}: {reason}", place)


async def _reason_not_listening(host: str, port: int) -> str:
    try:
        (await listening_socket(host, port, backlog=1)).close()
    except ListenError as error:
        return "" if str(error) == _IN_USE else str(error)
    return ""


def _of_data_plane(name: str) -> Iterator[Problem]:
    try:
        choose(name)
    except DataPlaneUnavailable as error:
        yield Problem(str(error))


def _ignore(_: object) -> None:
    """Events of a check are not logged."""
