"""What a reload changes about leaf nodes (ADR 0052, ADR 0055)."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from ..adapters.auth.setup import AuthSettings
from ..adapters.net_asyncio.leaf_dialer import LeafTcpDialer
from ..config.options import Options
from ..domain.broker import Broker
from ..domain.credentials import Identity
from .container import Container
from .leaf_settings import (
    leaf_anonymous,
    leaf_auth_settings,
    leaf_choice,
    leaf_listener_settings,
    leaf_tls,
    remote_tls,
)
from .settings import auth_settings
from .wiring import layers_of, switchable, tls_layers


def leaf_changes(container: Container, new: Options, undo: ExitStack) -> Sequence[Callable[[], None]]:
    """What puts certificates, and logins and settings of the door to use.

    Raises `AuthError` and `TlsError`.
    """
    remotes = _certificates_of_remotes(container, new)
    if not new.leafnodes.port:
        return remotes
    return (
        *remotes,
        _certificates(container, new),
        _settings(container, new),
        *_logins(container, new, undo),
    )


def _certificates_of_remotes(container: Container, new: Options) -> Sequence[Callable[[], None]]:
    """Files are read again; which remotes there are takes a restart."""
    record = container.event_log().record
    dialers = [remote.dialer for remote in container.leaf_remotes()]
    return [
        partial(dialer.protect, remote_tls(remote, record))
        for dialer, remote in zip(dialers, new.leafnodes.in_use, strict=True)
        if isinstance(dialer, LeafTcpDialer)
    ]


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
