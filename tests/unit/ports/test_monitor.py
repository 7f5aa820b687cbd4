"""The port of monitoring, and who implements it."""

from app.adapters.monitoring.monitor import HttpMonitor
from app.adapters.monitoring.no_monitor import NoMonitor
from app.ports.monitor import Monitor
from tests.fakes.contracts import breaches


def test_implementation() -> None:
    """Monitoring over HTTP, and none, have all methods of the port, with its arguments."""
    assert [] == breaches(Monitor, HttpMonitor)
    assert [] == breaches(Monitor, NoMonitor)
