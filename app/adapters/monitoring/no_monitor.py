"""Monitoring that is off."""

from collections.abc import Mapping


class NoMonitor:
    """Nobody can look at the server. Implements ``app.ports.monitor``."""

    @property
    def ports(self) -> Mapping[str, int]:
        """None."""
        return {}

    async def listen(self) -> None:
        """There is nothing to open, and nothing to serve: the same for all."""

    async def prepare(self) -> None:
        """See `listen`."""

    async def start(self) -> None:
        """See `listen`."""

    async def close(self) -> None:
        """See `listen`."""
