"""What a reload changes about leaf nodes (ADR 0052, ADR 0055)."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from ..adapters.auth.setup import AuthSettings
from ..adapters.net_asyncio.leaf_dialer import LeafTcpDialer
from ..config.options import Options
from ..domain.broker import Broker
from ..domain.leaf.events import LeafRemoteChanged
from ..domain.leaf.settings import LeafRemote
from ..domain.security.credentials import Identity
from .container import Container
from .leaf_remotes import open_remote
from .leaf_settings import (
    leaf_anonymous,
    leaf_auth_settings,
    leaf_choice,
    leaf_listener_settings,
    leaf_tls,
    remote_key,
    remote_tls,
)
from .settings import auth_settings
from .wiring import layers_of, switchable, tls_layers


def leaf_changes(container: Container, new: Options, undo: ExitStack) -> Sequence[Callable[[], None]]:
    """What puts remotes into use, and certificates, logins and settings of the listener.

    Raises `AuthError` and `TlsError`.
    """
    remotes = [_remotes(container, new)]
    if not new.leafnodes.port:
        return remotes
    return (
        *remotes,
        _certificates(container, new),
        _settings(container, new),
        *_logins(container, new, undo),
    )


def _remotes(container: Container, new: Options) -> Callable[[], None]:
    """Remotes that are new, or changed, are dialled; those that are gone, or changed, are closed.

    Those that stay keep their links; files of certificates are read again for what is dialled next.
    """
    record, needs = container.event_log().record, container.remote_needs()
    old, opened = container.options.leafnodes, container.leaf_remotes()
    gone = {remote_key(old, options): remote for options, remote in zip(old.in_use, opened, strict=True)}
    remotes: list[LeafRemote] = []
    added: list[LeafRemote] = []
    protect: list[Callable[[], None]] = []
    for options in new.leafnodes.in_use:
        remote = gone.pop(remote_key(new.leafnodes, options), None)
        if remote is None:
            remote = open_remote(new.leafnodes, options, needs)
            added.append(remote)
        elif isinstance(remote.dialer, LeafTcpDialer):
            protect.append(partial(remote.dialer.protect, remote_tls(options, record)))
        remotes.append(remote)

    def commit() -> None:
        for renew in protect:
            renew()
        opened[:] = remotes
        leaves = container.broker().leaves
        if leaves is None:
            return
        for change, those in (("removed", gone.values()), ("added", added)):
            for each in those:
                addresses = tuple(map(str, each.settings.urls))
                record(LeafRemoteChanged(None, addresses, each.settings.account, change))
        leaves.use_remotes(remotes)

    return commit


def _certificates(container: Container, new: Options) -> Callable[[], None]:
    """Links that are there keep what they have."""
    settings = leaf_tls(new, container.event_log().record)
    layers = layers_of(tls_layers(settings), choice=leaf_choice(new), taps=container.taps())

    def commit() -> None:
        container.leaf_layers()[:] = layers

    return commit


def _settings(container: Container, new: Options) -> Callable[[], None]:
    """What INFO says to leaves that come from now on, and which versions they may have."""

    def commit() -> None:
        broker = container.broker()
        if broker.leaves is None or not broker.leaves.use_listener(leaf_listener_settings(new)):
            return
        if broker.cluster is not None:
            broker.cluster.introduce_again()

    return commit


def _logins(container: Container, new: Options, undo: ExitStack) -> Sequence[Callable[[], None]]:
    """Leaves whose logins have changed log in again, by another link."""
    if _who(container.options) == _who(new):
        return ()
    own, gatekeeper = leaf_auth_settings(new), container.leaf_gatekeeper()
    fresh = None if own is None else switchable(own, container.event_log().record)
    if fresh is not None:
        undo.callback(fresh.close)

    def commit() -> None:
        gatekeeper.switch(fresh, leaf_anonymous(new))
        _part_with_leaves(container.broker())

    return (commit,)


def _who(options: Options) -> tuple[AuthSettings, Identity | None]:
    """All that decides who may come in as a leaf."""
    return leaf_auth_settings(options) or auth_settings(options), leaf_anonymous(options)


def _part_with_leaves(broker: Broker) -> None:
    """End the links that were accepted."""
    leaves = broker.leaves
    for session in list(leaves.sessions.values()) if leaves is not None else ():
        if not session.solicited:
            session.connection.close()
