"""Options of monitoring turned into the plain values that it takes, and what its pages show of the others."""

import ssl
from collections.abc import Mapping
from dataclasses import replace

from .. import __version__
from ..adapters.monitoring.context import LeafRemoteSummary, LeafSummary, MonitorSettings
from ..adapters.monitoring.monitor import MonitorEndpoint
from ..adapters.net_asyncio.tls_context import TlsError, server_context
from ..config.addresses import parse_advertised
from ..config.options import Options
from ..config.reloading import config_digest
from ..config.sections.tls import TlsOptions
from .identity import RUNTIME
from .settings import configured_users, tls_files

NO_DATES: Mapping[str, float] = {}


def monitor_endpoints(options: Options) -> tuple[MonitorEndpoint, ...]:
    """The listeners of monitoring. Raises `TlsError`."""
    endpoints = []
    if options.http is not None:
        endpoints.append(MonitorEndpoint(options.http.host, options.http.port))
    if options.https is not None:
        endpoints.append(MonitorEndpoint(options.https.host, options.https.port, _monitor_tls(options.tls)))
    return tuple(endpoints)


def _monitor_tls(section: TlsOptions | None) -> ssl.SSLContext:
    """The clients' certificate; readers need none (monitoring-pages.md, section 1)."""
    if section is None:
        raise TlsError("TLS cert and key required for HTTPS: https_port needs `tls`")
    return server_context(replace(tls_files(section), verify=False))


def monitor_settings(
    options: Options,
    data_plane: str,
    config_file: str = "",
    dates: Mapping[str, float] = NO_DATES,
) -> MonitorSettings:
    """What monitoring shows of the server, and its bounds."""
    return MonitorSettings(
        tls_timeout=(options.tls or TlsOptions.unset()).timeout,
        server_name=options.server_name or "",
        tags=options.server_tags,
        data_plane=data_plane,
        pynatsd=__version__,
        python=RUNTIME,
        known_as=own_names(options),
        log=_log_destination(options),
        config_file=config_file,
        digest=config_digest(options),
        certificates=dates,
        leaf=leaf_summary(options),
        users=configured_users(options),
    )


def leaf_summary(options: Options) -> LeafSummary:
    """What pages show of leaf nodes."""
    section = options.leafnodes
    remotes = tuple(
        LeafRemoteSummary(
            remote.account,
            tuple(url.address for url in remote.urls),
            remote.deny_imports,
            remote.deny_exports,
            remote.disabled,
        )
        for remote in section.remotes
    )
    if not section.port:
        return LeafSummary(remotes=remotes)
    return LeafSummary(
        host=section.host,
        auth_timeout=section.authorization.timeout,
        tls_timeout=section.tls.timeout if section.tls is not None else 0.0,
        tls_required=section.tls is not None,
        tls_verify=section.tls is not None and section.tls.demands_certificates,
        remotes=remotes,
    )


def _log_destination(options: Options) -> str:
    """The one that counts, in words; see `LogSettings`."""
    if options.log_file is None and options.remote_syslog is None and options.syslog:
        return "syslog"
    return options.log_file or options.remote_syslog or "standard error"


def own_names(options: Options) -> frozenset[str]:
    """Host names of this server that are configured, in lower case."""
    names = [options.host, options.server_name or "", options.cluster.host]
    names += [options.leafnodes.host] if options.leafnodes.port else []
    names += [endpoint.host for endpoint in (options.http, options.https) if endpoint is not None]
    if options.client_advertise:
        names.append(parse_advertised(options.client_advertise).host)
    return frozenset(name.rstrip(".").lower() for name in names if name)
