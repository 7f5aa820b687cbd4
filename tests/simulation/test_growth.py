"""The report on the growth of a mesh."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.simulation.growth import grow, main


@pytest.mark.parametrize("servers", [2, 3, 10])
def test_a_mesh_has_a_route_for_each_pair(servers: int) -> None:
    """One route for each pair, and gossip within the bound that the page states."""
    growth = grow(servers)

    assert servers * (servers - 1) // 2 == growth.routes
    assert growth.routes <= growth.opened
    assert growth.gossip <= servers * (servers - 1) * (servers - 2)
    assert 0.0 < growth.seconds < 5.0


def test_growth_is_counted_alike_on_both_twins_and_in_every_run() -> None:
    """Counts and virtual seconds do not depend on the machine or the twin."""
    one, other = grow(5), grow(5, "python")

    assert (one.opened, one.gossip, one.carried, one.seconds) == (
        other.opened,
        other.gossip,
        other.carried,
        other.seconds,
    )


def test_the_report_is_a_page_and_a_chart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page has a row, and the chart a point per line, for each size."""
    status = main(["--sizes", "2", "4", "--into", str(tmp_path)])

    text = (tmp_path / "growth.md").read_text()
    chart = ET.fromstring((tmp_path / "growth.svg").read_text())  # noqa: S314 - we wrote it
    assert 0 == status
    assert capsys.readouterr().out.strip() in text
    assert "| 4 | 6 |" in text
    assert 4 * 2 == len(chart.findall("{http://www.w3.org/2000/svg}circle"))
