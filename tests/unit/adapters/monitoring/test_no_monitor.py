"""Monitoring that is off."""

import pytest

from app.adapters.monitoring.no_monitor import NoMonitor


@pytest.mark.asyncio
async def test_it_serves_nothing() -> None:
    """Each call of a server that starts and stops has no effect."""
    monitor = NoMonitor()
    for call in (monitor.listen, monitor.prepare, monitor.start, monitor.close, monitor.close):
        await call()

    assert {} == monitor.ports
