"""Dates of lines."""

import pytest

from app.adapters.logs.gnatsd_format import GnatsdLine
from app.adapters.logs.json_format import unfold
from app.adapters.logs.syslog_format import Facility, SyslogLine, plain_text
from app.domain.events import ServerReady


@pytest.mark.parametrize(
    ("epoch", "year"), [(253_402_300_800.0, "9998"), (1e18, "9998"), (-1e18, "1003"), (float("inf"), "9998")]
)
def test_a_clock_that_is_far_off(epoch: float, year: str) -> None:
    """Each format has a line whatever the clock says."""
    fact = {"fact": ServerReady(None), "time": epoch}
    syslog = SyslogLine(Facility.DAEMON, 1, lambda: epoch, plain_text, local=False)

    assert year in GnatsdLine(1, colours=False)(None, "record", dict(fact))
    assert str(unfold(None, "record", dict(fact))["time"]).startswith(year)
    assert f">{year}-" in syslog(None, "record", dict(fact))
