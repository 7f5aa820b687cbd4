"""The parts of a reload: each prepares what can fail, and returns what puts it to use.

To make one more option reloadable, add it to `app.config.reloading.RELOADABLE`, and what it takes to
`_PARTS` unless a part there does that already.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from ..adapters.auth.login_review import judge_by
from ..adapters.auth.setup import AuthSettings, open_authenticator
from ..adapters.auth.switch import SwitchableAuthenticator
from ..adapters.hooks.setup import OpenHooks, check_hooks, load_hooks, open_hooks
from ..adapters.monitoring.monitor import HttpMonitor
from ..adapters.net_asyncio.tls_context import lead_to
from ..adapters.net_asyncio.tls_layer import TlsLayers, TlsSettings
from ..adapters.process.files import write_pid_file
from ..adapters.process.own_thread import in_own_thread
from ..config.addresses import parse_advertised
from ..config.options import Options
from ..domain.security.reauthorization import reauthorize
from ..ports.authenticator import Authenticator
from ..ports.event_log import EventLog
from ..ports.layers import LayerFactory
from .certificate_dates import refuse_expired
from .container import Container
from .leaf_reload import leaf_changes
from .monitor_settings import monitor_endpoints, monitor_settings
from .settings import (
    accepted_route_tls,
    anonymous,
    auth_settings,
    client_choice,
    client_tls,
    client_urls,
    cluster_auth_settings,
    cluster_settings,
    dialed_route_tls,
    hook_settings,
    limits,
    log_settings,
    nonce_maker,
    tls_demanded,
    websocket_tls,
    websocket_urls,
)
from .stream_settings import stream_settings
from .websocket_settings import websocket_settings
from .wiring import layers_of


class Parting:
    """Logs that are not used any more; closing one may wait for its destination."""

    def __init__(self) -> None:
        self._logs: list[EventLog] = []

    def leave(self, log: EventLog | None) -> None:
        """Close this one in the end."""
        if log is not None:
            self._logs.append(log)

    def close_all(self) -> None:
        """Close them in a thread each."""
        for log in self._logs:
            closing = asyncio.ensure_future(in_own_thread(log.close))
            _closing.add(closing)  # the loop itself keeps no task alive
            closing.add_done_callback(_closing.discard)


_closing: set["asyncio.Future[None]"] = set()

Commit = Callable[[Parting], None]
"""Puts to use what is prepared; called on the loop, and does not fail."""

Prepare = Callable[[Container, Options, ExitStack], Sequence[Commit]]
"""Prepares a part for new options; the stack undoes that if another part fails. Called in a thread."""


def prepared(container: Container, new: Options, undo: ExitStack) -> list[Commit]:
    """All that is to be done, in order.

    Raises `AuthError`, `HooksError`, `LogDestinationError`, `PidFileError` and `TlsError`.
    """
    return [commit for part in _PARTS for commit in part(container, new, undo)]


def _log(container: Container, new: Options, undo: ExitStack) -> Sequence[Commit]:
    if log_settings(container.options) == log_settings(new):
        return ()
    log = container.open_log(new)
    if log is not None:
        undo.callback(log.close)

    def commit(left: Parting) -> None:
        left.leave(container.use_log(log, new))
        container.event_log().levels_changed()
        container.broker().trace_changed()

    return (commit,)


def _limits(container: Container, new: Options, undo: ExitStack) -> Sequence[Commit]:
    del undo
    broker, wanted = container.broker(), limits(new)
    if wanted == limits(container.options):
        return ()
    return (lambda _: broker.apply(wanted),)


def _users(container: Container, new: Options, undo: ExitStack) -> Sequence[Commit]:
    old = container.options
    before, wanted = auth_settings(old), auth_settings(new)
    before = replace(before, max_waiting=wanted.max_waiting)
    if before == wanted and anonymous(old) == anonymous(new):
        return ()
    authenticator, broker = container.authenticator(), container.broker()
    if not isinstance(authenticator, SwitchableAuthenticator):
        return ()
    fresh = _opened(container, wanted, undo)

    def switch() -> None:
        authenticator.switch(fresh)
        broker.anonymous = anonymous(new)
        broker.greeting.make_nonce = nonce_maker(new, container.entropy())

    return (lambda _: reauthorize(broker, switch, judge_by(before, wanted, anonymous(new))),)


def _route_users(container: Container, new: Options, undo: ExitStack) -> Sequence[Commit]:
    """Routes that are there stay."""
    wanted = cluster_auth_settings(new)
    authenticator = container.route_authenticator()
    if wanted == cluster_auth_settings(container.options):
        return ()
    if not isinstance(authenticator, SwitchableAuthenticator):
        return ()
    fresh, switch = _opened(container, wanted, undo), authenticator.switch
    return (lambda _: switch(fresh),)


def _opened(container: Container, wanted: AuthSettings, undo: ExitStack) -> Authenticator:
    fresh = open_authenticator(wanted, container.event_log().record)
    undo.callback(fresh.close)
    return fresh


def _certificates(container: Container, new: Options, undo: ExitStack) -> Sequence[Commit]:
    """Files are read again even if the text is the same; links that are there keep what they have."""
    del undo
    record = container.event_log().record
    taps = container.taps()
    clients = layers_of(_tls(client_tls(new, record)), choice=client_choice(new), taps=taps)
    accepted = layers_of(_tls(accepted_route_tls(new, record)), taps=taps)
    dialed = layers_of(_tls(dialed_route_tls(new, record)), taps=taps)
    pages = list(zip(container.monitor_endpoints(), monitor_endpoints(new), strict=True))

    def commit(_left: Parting) -> None:
        _refill(container.client_layers(), clients)
        _refill(container.route_layers(), accepted)
        _refill(container.dialed_layers(), dialed)
        for page, fresh in pages:
            if page.tls is not None and fresh.tls is not None:
                lead_to(page.tls, fresh.tls)

    return (commit,)


def _websockets(container: Container, new: Options, undo: ExitStack) -> Sequence[Commit]:
    del undo
    if not new.websocket.port:
        return ()
    record = container.event_log().record
    framing, settings = container.websockets(), websocket_settings(new, record)
    layers = layers_of(_tls(websocket_tls(new, record)), framing, taps=container.taps())

    def commit(_left: Parting) -> None:
        framing.settings = settings
        _refill(container.websocket_layers(), layers)

    return (commit,)


def _leaf_nodes(container: Container, new: Options, undo: ExitStack) -> Sequence[Commit]:
    return [_without_logs(commit) for commit in leaf_changes(container, new, undo)]


def _without_logs(commit: Callable[[], None]) -> Commit:
    return lambda _: commit()


def _hooks(container: Container, new: Options, undo: ExitStack) -> Sequence[Commit]:
    """Clients that are here, and their subscriptions, stay."""
    del undo  # hooks that were made and not used have nothing open
    if hook_settings(new) == hook_settings(container.options):
        return ()
    opened, broker, runners = _opened_hooks(container, new), container.broker(), container.hook_runners()

    def commit(_left: Parting) -> None:
        broker.use_hooks(None if opened is None else opened.gate)
        runners.switch(opened)

    return (commit,)


def _opened_hooks(container: Container, new: Options) -> OpenHooks | None:
    """Ready to be asked; an object that a program has given stays. Raises `HooksError`."""
    settings = hook_settings(new)
    is_given = container.hooks.last_overriding is not None
    hooks = container.hooks() if is_given else load_hooks(settings)
    checked = check_hooks(hooks, settings)
    return None if checked is None else open_hooks(checked, container.clock(), container.event_log())


def _streams(container: Container, new: Options, undo: ExitStack) -> Sequence[Commit]:
    """Limits hold for what is stored from now on; what is there stays."""
    del undo
    streams = container.streams()
    if streams is None or new.jetstream == container.options.jetstream:
        return ()
    info, in_memory = container.broker().greeting.info, container.streams_in_memory()
    settings = stream_settings(new, info, in_memory=in_memory)
    return (lambda _: streams.apply(settings),)


def _dates(container: Container, new: Options, undo: ExitStack) -> Sequence[Commit]:
    """An expired certificate is refused, unless it is the one that is in use."""
    del undo
    found = refuse_expired(new, container.dates, container.clock().time())

    def commit(_left: Parting) -> None:
        container.dates.clear()
        container.dates.update(found)
        container.certificate_dates().check()

    return (commit,)


def _tls(settings: TlsSettings | None) -> TlsLayers | None:
    return None if settings is None else TlsLayers(settings)


def _refill(layers: list[LayerFactory], fresh: Sequence[LayerFactory]) -> None:
    """The listener has the list, so it is the contents that change."""
    layers[:] = fresh


def _cluster(container: Container, new: Options, undo: ExitStack) -> Sequence[Commit]:
    del undo
    cluster = container.broker().cluster
    if cluster is None or cluster_settings(new) == cluster_settings(container.options):
        return ()
    return (lambda _: cluster.reconfigure(cluster_settings(new)),)


def _introduction(container: Container, new: Options, undo: ExitStack) -> Sequence[Commit]:
    """What clients and other servers learn of this one."""
    del undo
    greeting, service = container.broker().greeting, container.service()
    address = parse_advertised(new.client_advertise) if new.client_advertise else None

    def commit(_left: Parting) -> None:
        greeting.set(
            replace(
                greeting.info,
                auth_required=container.authenticator().required and not new.no_auth_user,
                tls_required=tls_demanded(new),
                tls_verify=new.tls is not None and new.tls.demands_certificates,
                tls_available=new.tls is not None and not tls_demanded(new),
                advertised_host=address.host if address is not None else "",
                advertised_port=address.port if address is not None else 0,
            )
        )
        if _advertising(new) != _advertising(container.options):
            service.advertise(partial(client_urls, new), partial(websocket_urls, new))

    return (commit,)


def _advertising(options: Options) -> tuple[object, ...]:
    section = options.cluster
    return (
        options.client_advertise,
        options.websocket.advertise,
        section.cluster_advertise,
        section.no_advertise,
        section.authorization.user,
        section.tls is None,
    )


def _pages(container: Container, new: Options, undo: ExitStack) -> Sequence[Commit]:
    del undo
    settings = monitor_settings(new, container.data_plane, container.config_file, container.dates)

    def commit(_left: Parting) -> None:
        monitor = container.monitor()
        if isinstance(monitor, HttpMonitor):
            monitor.update(replace(settings, loaded=container.clock().monotonic()))

    return (commit,)


def _pid_file(container: Container, new: Options, undo: ExitStack) -> Sequence[Commit]:
    """The last part: a file that is written stays so."""
    del undo
    if new.pid_file is not None and new.pid_file != container.options.pid_file:
        write_pid_file(new.pid_file)
    return ()


_PARTS: tuple[Prepare, ...] = (
    _log,
    _limits,
    _certificates,
    _websockets,
    _dates,
    _users,
    _route_users,
    _leaf_nodes,
    _hooks,
    _streams,
    _cluster,
    _introduction,
    _pages,
    _pid_file,
)
