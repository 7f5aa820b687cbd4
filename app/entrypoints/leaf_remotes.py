"""The hubs that a server dials as a leaf node, opened as the options say."""

from collections.abc import Callable, Sequence

from ..adapters.auth.leaf_credentials import RemoteCredentials
from ..adapters.net_asyncio.leaf_dialer import LeafTcpDialer
from ..adapters.net_asyncio.tls_layer import TlsLayers
from ..config.options import Options
from ..config.sections.leaf_nodes import LeafOptions, LeafRemoteOptions
from ..domain.events import Event
from ..domain.leaf.settings import LeafRemote
from ..domain.timers import Scheduler
from ..domain.value_object import value_object
from ..ports.layers import LayerFactory
from .leaf_settings import dial_settings, remote_login, remote_settings, remote_tls


@value_object
class RemoteNeeds:
    """What it takes to dial hubs."""

    record: Callable[[Event], None]
    on_failure: Callable[[Exception], None]
    scheduler: Scheduler
    taps: Sequence[LayerFactory] = ()


def open_remotes(options: Options, needs: RemoteNeeds) -> list[LeafRemote]:
    """All remotes that are not disabled; a reload may change the list. Raises `AuthError` and `TlsError`."""
    section = options.leafnodes
    return [open_remote(section, remote, needs) for remote in section.in_use]


def open_remote(section: LeafOptions, remote: LeafRemoteOptions, needs: RemoteNeeds) -> LeafRemote:
    """One of them. Raises `AuthError` and `TlsError`."""
    return LeafRemote(
        remote_settings(section, remote),
        LeafTcpDialer(
            dial_settings(section, remote),
            TlsLayers(remote_tls(remote, needs.record)),
            on_failure=needs.on_failure,
            scheduler=needs.scheduler,
            taps=needs.taps,
        ),
        RemoteCredentials(remote_login(remote)),
    )
