"""What a simulated server needs to be a hub, a leaf, or both: all links have the same login."""

from collections.abc import Callable, Sequence

from app.domain.leaf.leaf_url import LeafUrl
from app.domain.leaf.settings import (
    LeafListenerSettings,
    LeafLogin,
    LeafNeeds,
    LeafRemote,
    LeafRemoteSettings,
)
from app.domain.sessions.wire import Handler, Wire
from tests.fakes.single_user import SingleUser
from tests.simulation.dialer import SimulatedDialer
from tests.simulation.host import Host
from tests.simulation.tree import LEAF_PORT

_USER, _PASSWORD = "leaf", "secret"


class SimulatedLeafDialer:
    """Dials hubs over the simulated network, without TLS. Implements `LeafDialer`."""

    def __init__(self, dialer: SimulatedDialer) -> None:
        self._dialer = dialer

    def dial(self, url: LeafUrl, acceptor: Callable[[Wire], Handler], refused: Callable[[str], None]) -> None:
        """Open a link."""
        self._dialer.dial(url.host, url.port, acceptor, refused)

    def close(self) -> None:
        """The dials of a host end with its programs."""


class SimulatedLeafLogin:
    """Shows one name and one password to every hub. Implements `LeafCredentials`."""

    def login(self, _url: LeafUrl, _nonce: str) -> LeafLogin:
        """What to show."""
        return LeafLogin(_USER, _PASSWORD)


def leaf_needs(dialer: SimulatedDialer, host: Host, hubs: Sequence[Host], cluster: str) -> LeafNeeds:
    """Those of a server that accepts leaves, and joins one of these hubs if there are any."""
    urls = tuple(LeafUrl(hub.ip, LEAF_PORT) for hub in hubs)
    remote = LeafRemote(LeafRemoteSettings(urls), SimulatedLeafDialer(dialer), SimulatedLeafLogin())
    return LeafNeeds(
        listener=LeafListenerSettings(host.ip, LEAF_PORT),
        remotes=(remote,) if urls else (),
        gatekeeper=SingleUser(_USER, _PASSWORD),
        make_nonce=lambda: "nonce",
        cluster=cluster,
    )
