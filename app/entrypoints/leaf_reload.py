"""What a reload changes about the door for leaf nodes (ADR 0052, ADR 0055)."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace

from ..adapters.auth.setup import AuthSettings
from ..config.options import Options
from ..domain.broker import Broker
from ..domain.credentials import Identity
from .container import Container
from .leaf_settings import leaf_anonymous, leaf_auth_settings, leaf_choice, leaf_listener_settings, leaf_tls
from .settings import auth_settings
from .wiring import layers_of, switchable, tls_layers


def leaf_door(container: Container, new: Options, undo: ExitStack) -> Sequence[Callable[[], None]]:
    """What puts certificates, logins and settings of the door to use. Raises `AuthError` and `TlsError`."""
    if not new.leafnodes.port:
        return ()
    return (_certificates(container, new), _settings(container, new), *_logins(container, new, undo))


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
        leaves = container.broker().leaves
        if leaves is not None:
            leaves.needs = replace(leaves.needs, listener=leaf_listener_settings(new))

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
