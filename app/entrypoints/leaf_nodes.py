"""Leaf nodes as a part of the server: the listener for leaves, and what ends with the server."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..adapters.net_asyncio.leaf_events import LeafListenFailed, LeafListening
from ..domain.broker import Broker
from ..domain.events import Event
from ..domain.leaf.settings import LeafRemote
from ..domain.value_object import value_object
from ..ports.transport import Address, Listener, ListenError

if TYPE_CHECKING:
    from ..adapters.auth.leaf_gatekeeper import LeafGatekeeper


class NoLeafListener(Exception):
    """Leaves cannot be let in; `fact` says why."""

    def __init__(self, fact: Event) -> None:
        super().__init__(fact.text())
        self.fact = fact


@value_object
class LeafNodes:
    """What brings links of leaf nodes to a broker."""

    listener: Listener
    host: str
    port: int
    """As configured; -1 is any free port, 0 none."""
    remotes: Sequence[LeafRemote] = ()
    gatekeeper: "LeafGatekeeper | None" = None
    """Judges leaves; None where none is needed."""

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
