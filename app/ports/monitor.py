"""Monitor: shows a running server to people and programs."""

from collections.abc import Mapping
from typing import Protocol


class Monitor(Protocol):
    """Begins and ends with its server; what it shows, it takes from a `BrokerView`.

    Whatever else goes wrong with it is its own affair: it says so, and tries again.
    """

    @property
    def ports(self) -> Mapping[str, int]:
        """Real ports by scheme, once it listens."""
        ...

    async def listen(self) -> None:
        """Take its ports; who connects waits until `start`.

        Raises `ListenError`; the text names the address.
        """
        ...

    async def prepare(self) -> None:
        """Open what it needs, which takes most of the time of a start."""
        ...

    async def start(self) -> None:
        """Serve at the ports that were taken, or, if `prepare` failed, as soon as that is possible."""
        ...

    async def close(self) -> None:
        """Serve no more. May be called twice, and before `start`."""
        ...
