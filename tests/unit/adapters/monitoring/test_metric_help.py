"""The help texts of metrics."""

import pytest

from app.adapters.monitoring.metric_help import COUNTERS, help_of, kind_of


def test_every_counter_is_explained() -> None:
    """A counter has a text of its own, not only its name."""
    assert [] == [name for name in COUNTERS if help_of(name) == name.partition("_")[2]]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("varz_in_msgs", "counter"),
        ("varz_http_req_stats_connz", "counter"),
        ("process_cpu_seconds_total", "counter"),
        ("varz_connections", "gauge"),
        ("connz_total", "gauge"),
    ],
)
def test_kinds(name: str, kind: str) -> None:
    """What never falls is a counter; the number of clients is none, whatever its name says."""
    assert kind == kind_of(name)


@pytest.mark.parametrize(("name", "text"), [("_connz", "connz"), ("", "/")])
def test_requests_by_page(name: str, text: str) -> None:
    """The requests for each page are explained by its name."""
    assert f"Requests for the page {text}." == help_of(f"varz_http_req_stats{name}")


def test_an_unknown_metric() -> None:
    """A metric without a text is explained by its name."""
    assert "new_figure" == help_of("varz_new_figure")
