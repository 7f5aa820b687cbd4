"""Prometheus reads the metrics, under the names that its boards know."""

from dataclasses import replace

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from app.adapters.monitoring.metrics import metrics
from app.adapters.monitoring.varz import varz
from app.ports.broker_view import ClusterFacts, ConnectionTotals, Health, Traffic
from tests.fakes.broker_view import FACTS, SERVER_ID, Watched, leaf
from tests.support.steps import finished

BOARDS = [
    *[
        f"gnatsd_varz_{name}"
        for name in ("connections", "total_connections", "routes", "subscriptions", "in_msgs")
    ],
    *[f"gnatsd_varz_{name}" for name in ("out_msgs", "in_bytes", "out_bytes", "slow_consumers", "cpu")],
    *[f"gnatsd_varz_{name}" for name in ("mem", "cores", "max_connections", "leafnodes", "max_payload")],
    *[
        f"gnatsd_varz_{name}"
        for name in (
            "start",
            "config_load_time",
            "slow_consumer_stats_clients",
            "http_req_stats_varz",
            "version",
        )
    ],
    *[f"gnatsd_varz_{name}" for name in ("server_id", "server_name")],
    *[f"gnatsd_connz_{name}" for name in ("num_connections", "total", "offset", "limit", "pending_bytes")],
    *[f"gnatsd_connz_{name}" for name in ("subscriptions", "in_msgs", "out_msgs", "in_bytes", "out_bytes")],
    *[f"gnatsd_routez_{name}" for name in ("num_routes",)],
    *[
        f"gnatsd_subsz_{name}"
        for name in ("num_subscriptions", "num_cache", "num_inserts", "num_removes", "num_matches")
    ],
    *[f"gnatsd_subsz_{name}" for name in ("cache_hit_rate", "max_fanout", "avg_fanout")],
    *[f"gnatsd_healthz_{name}" for name in ("status", "status_value")],
]
"""What the boards of the exporter's repository and their like draw."""


def text_of(watched: Watched) -> str:
    """The page."""
    steps = metrics(watched.context)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        text: str = end.value
        return text


def read(watched: Watched) -> dict[str, Metric]:
    """What Prometheus' own parser makes of the page."""
    return {family.name: family for family in text_string_to_metric_families(text_of(watched))}


def value(families: dict[str, Metric], name: str) -> float:
    """The one sample of a metric."""
    (sample,) = families[name].samples
    return float(sample.value)


def test_names(watched: Watched) -> None:
    """Everything that known boards draw is there, once, for this server."""
    families = read(watched)

    assert [] == [name for name in BOARDS if name not in families]
    for family in families.values():
        (sample,) = family.samples
        assert SERVER_ID == sample.labels["server_id"]
        assert set(sample.labels) <= {"server_id", "value"}


def test_each_name_is_announced_once(watched: Watched) -> None:
    """Prometheus refuses a page that announces a metric twice."""
    announced = [line.split()[2] for line in text_of(watched).splitlines() if line.startswith("# TYPE")]

    assert sorted(set(announced)) == sorted(announced)


def test_figures(watched: Watched) -> None:
    """Numbers are those of the pages; moments are milliseconds; texts are labels."""
    watched.view.facts = replace(FACTS, connections=7, traffic=Traffic(1, 2, 3, 4))
    watched.view.sums = ConnectionTotals(2000, 5, 6, Traffic(10, 20, 30, 40))
    watched.context.requests.varz = 9
    families = read(watched)

    assert (7, 1, 2, 3, 4) == tuple(
        value(families, f"gnatsd_varz_{name}")
        for name in ("connections", "in_msgs", "in_bytes", "out_msgs", "out_bytes")
    )
    assert (1024, 2000, 5, 6, 10, 20, 30, 40) == tuple(
        value(families, f"gnatsd_connz_{name}")
        for name in (
            "num_connections",
            "total",
            "pending_bytes",
            "subscriptions",
            "in_msgs",
            "in_bytes",
            "out_msgs",
            "out_bytes",
        )
    )
    assert 12.5 == value(families, "gnatsd_varz_cpu")
    assert 9 == value(families, "gnatsd_varz_http_req_stats_varz")
    assert 1_461_703_187_332 == value(families, "gnatsd_varz_start")
    assert "0.8.0" == families["gnatsd_varz_version"].samples[0].labels["value"]
    assert 0 == value(families, "gnatsd_healthz_status")


def test_kinds(watched: Watched) -> None:
    """What never falls is a counter; what falls when a client leaves is a gauge, and says so."""
    families = read(watched)

    counters = {name for name, family in families.items() if family.type == "counter"}

    assert {f"gnatsd_varz_{way}_{unit}" for way in ("in", "out") for unit in ("msgs", "bytes")} < counters
    assert {"gnatsd_varz_total_connections", "gnatsd_varz_slow_consumers", "process_cpu_seconds"} < counters
    assert not [name for name in counters if name.startswith(("gnatsd_connz", "gnatsd_healthz"))]
    assert "take rates from the metric of varz" in families["gnatsd_connz_in_msgs"].documentation


def test_each_metric_is_explained(watched: Watched) -> None:
    """There is a sentence about each of them."""
    watched.view.facts = replace(FACTS, cluster=ClusterFacts("::", 4248, auth_timeout=1.0, tls=False))

    assert [] == [name for name, family in read(watched).items() if not family.documentation.endswith(".")]


def test_the_process(watched: Watched) -> None:
    """Descriptors and the lag of the loop are shown; where the system says nothing, so do we."""
    watched.context.figures.sample(0.25)
    watched.context.figures.sample(0.125)
    families = read(watched)

    assert (9, 1000, 0.25) == tuple(
        value(families, name) for name in ("process_open_fds", "process_max_fds", "pynatsd_loop_lag_seconds")
    )


def test_a_sick_server(watched: Watched) -> None:
    """A server that does not serve is not healthy."""
    watched.view.state = Health(serving=False, ready=False)
    families = read(watched)

    assert (1, 0) == (
        value(families, "gnatsd_healthz_status"),
        value(families, "gnatsd_healthz_status_value"),
    )
    assert "error" == families["gnatsd_healthz_status_value"].samples[0].labels["value"]


def test_settings_of_the_cluster_are_no_figures(watched: Watched) -> None:
    """Ports and limits of the cluster are left out, as by the exporter."""
    watched.view.facts = replace(FACTS, cluster=ClusterFacts("::", 4248, auth_timeout=1.0, tls=False))

    assert 4248 == varz(watched.context).cluster_port
    assert not [name for name in read(watched) if "varz_cluster_cluster" in name or "cluster_auth" in name]


def test_odd_names(watched: Watched) -> None:
    """A version that would end its label does not."""
    info = replace(FACTS.info, version='a"b\\c\nd')
    watched.view.facts = replace(FACTS, info=info)

    assert 'a"b\\c\nd' == read(watched)["gnatsd_varz_version"].samples[0].labels["value"]


def test_leaf_links(watched: Watched) -> None:
    """Their sums are there, and the numbers that are settings of the listener are not."""
    watched.view.facts = replace(FACTS, leaves=2, leaf_port=7422)
    watched.view.leaf_links = [leaf(5, traffic=Traffic(1, 2, 3, 4)), leaf(6, traffic=Traffic(10, 20, 30, 40))]
    text = finished(metrics(watched.context))
    figures = {line.split("{")[0]: line.rpartition(" ")[2] for line in text.splitlines() if line[0] != "#"}

    assert ("2", "11", "33") == tuple(
        figures[f"gnatsd_leafz_conn_{name}"] for name in ("nodes_total", "in_msgs", "out_msgs")
    )
    assert "# TYPE gnatsd_leafz_conn_nodes_total gauge" in text
    assert not [name for name in figures if name.startswith("gnatsd_varz_leaf_")]
