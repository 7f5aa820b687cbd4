"""Leaf nodes as a part of the server: the listener for leaves, and the dialers of remotes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..adapters.auth.leaf_credentials import RemoteCredentials
from ..adapters.auth.leaf_gatekeeper import LeafGatekeeper
from ..adapters.net_asyncio.leaf_dialer import LeafTcpDialer
from ..adapters.net_asyncio.leaf_events import LeafListenFailed, LeafListening
from ..adapters.net_asyncio.tls_layer import TlsLayers
from ..config.leaf_options import LeafOptions, LeafRemoteOptions
from ..config.options import Options
from ..domain.broker import Broker
from ..domain.events import Event
from ..domain.leaf.settings import LeafRemote
from ..domain.timers import Scheduler
from ..ports.layers import LayerFactory
from ..ports.transport import Address, Listener, ListenError
from .leaf_settings import dial_settings, remote_login, remote_settings, remote_tls


class NoLeafListener(Exception):
    """Leaves cannot be let in; `fact` says why."""

    def __init__(self, fact: Event) -> None:
        super().__init__(fact.text())
        self.fact = fact


@dataclass(frozen=True, slots=True)
class LeafNodes:
    """What brings links of leaf nodes to a broker."""

    listener: Listener
    host: str
    port: int
    """As configured; -1 is any free port, 0 none."""
    remotes: Sequence[LeafRemote] = ()
    gatekeeper: LeafGatekeeper | None = None
    """Judges leaves; None where nobody asks."""

    async def listen(self, broker: Broker, record: Callable[[Event], None]) -> Address | None:
        """Let leaves in, if that is configured; return where. Raises `NoLeafListener`."""
        leaves = broker.leaves
        if leaves is None or not self.port:
            return None
        try:
            address = await self.listener.start(broker.accept_leaf)
        except ListenError as error:
            raise NoLeafListener(LeafListenFailed(None, self.host, self.port, str(error))) from error
        leaves.listening_on(address.port)
        record(LeafListening(None, self.host, address.port))
        return address

    def stop_dialling(self) -> None:
        """Give up what is under way."""
        for remote in self.remotes:
            remote.dialer.close()

    def close(self) -> None:
        """Let go of what judges leaves."""
        if self.gatekeeper is not None:
            self.gatekeeper.close()


@dataclass(frozen=True, slots=True)
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
