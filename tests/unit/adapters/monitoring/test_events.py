"""What monitoring logs of itself."""

from app.adapters.monitoring.events import MonitorAvailable, MonitorUnavailable


def test_what_the_log_says() -> None:
    """Why there are no pages, when that is tried again, and that they are there."""
    assert "Monitoring is not available: no memory; trying again in 2 s" == (
        MonitorUnavailable(None, "no memory", 2.0).text()
    )
    assert "Monitoring is available again" == MonitorAvailable(None).text()
