"""Monitor: what shows a server to people and programs while it runs."""

from typing import Protocol


class Monitor(Protocol):
    """Begins and ends with its server; what it shows, it takes from a `BrokerView`."""

    async def listen(self) -> None:
        """Take its ports; who connects waits until `start`.

        Raises `ListenError`; the text names the address.
        """
        ...

    async def start(self) -> None:
        """Serve at the ports that were taken."""
        ...

    async def close(self) -> None:
        """Serve no more. May be called twice, and before `start`."""
        ...
