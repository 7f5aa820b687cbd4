"""Metrics in Prometheus' text format, under the names that existing dashboards use.

The names are those of prometheus-nats-exporter: each number of a page is named after its
place in the page, texts become a label ``value``, and moments are milliseconds since the
epoch. A figure that never falls is a counter, all others are gauges. The only label that
differs between servers is ``server_id``, so the number of series does not grow with the
number of clients.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from ...ports.broker_view import ConnectionTotals, LeafStats, Steps
from . import pages
from .context import MonitoringContext
from .metric_help import help_of, kind_of
from .parameters import DEFAULT_LIMIT
from .varz import varz as varz_page

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_TEXTS = frozenset({"server_id", "server_name", "version"})
_MOMENTS = frozenset({"start", "config_load_time"})
_SETTINGS = frozenset(
    {"cluster_cluster_port", "cluster_auth_timeout", "leaf_port", "leaf_auth_timeout", "leaf_tls_timeout"}
)
"""Numbers of nested objects that are no figures; the exporter omits those of the cluster, too."""


class Metric(NamedTuple):
    """One series with its current value."""

    name: str
    value: float
    text: str | None = None
    """The label ``value``, if it has one."""
    prefix: str = "gnatsd_"


_OF_THE_PAGE = {"server_id", "now", "total", "offset", "limit"}
"""Fields of ``/subsz`` that are no figures."""


def metrics(context: MonitoringContext) -> Steps[str]:
    """All figures of the server."""
    totals = yield from context.view.totals()
    routes = yield from context.view.routes()
    leaves = yield from context.view.leaves()
    subsz = yield from pages.subsz_figures(context)
    descriptors = yield from context.figures.open_descriptors()
    varz = varz_page(context)
    samples = [
        *_of_page("varz", varz.model_dump(mode="json", by_alias=True)),
        *_of_connections(totals),
        Metric("routez_num_routes", len(routes)),
        *_of_leaves(leaves),
        *_of_page("subsz", subsz.model_dump(mode="json", exclude=_OF_THE_PAGE)),
        *_of_health(serving=context.view.health().serving),
        *_of_certificates(context.settings.certificates),
        Metric("pynatsd_lame_duck", 1 if varz.lame_duck is not None else 0, prefix=""),
        *_of_process(context, descriptors, varz.mem),
    ]
    return "".join(_lines(sample, varz.server_id) for sample in samples)


def _of_page(page: str, fields: Mapping[str, object], *path: str) -> Iterator[Metric]:
    for key, value in fields.items():
        place = "_".join(part for part in (*path, key.strip("/")) if part)
        name = f"{page}_{place}"
        if place in _SETTINGS or isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            yield Metric(name, value)
        elif isinstance(value, dict):
            yield from _of_page(page, value, *path, key.strip("/"))
        elif key in _MOMENTS:
            yield Metric(name, math.floor(1000 * datetime.fromisoformat(str(value)).timestamp()))
        elif key in _TEXTS:
            yield Metric(name, 1, str(value))


def _of_connections(totals: ConnectionTotals) -> Iterator[Metric]:
    """The sums, over all clients; the exporter would sum the first page only."""
    traffic = totals.traffic
    yield Metric("connz_num_connections", min(totals.connections, DEFAULT_LIMIT))
    yield Metric("connz_total", totals.connections)
    yield Metric("connz_offset", 0)
    yield Metric("connz_limit", DEFAULT_LIMIT)
    yield Metric("connz_pending_bytes", totals.pending_bytes)
    yield Metric("connz_subscriptions", totals.subscriptions)
    yield Metric("connz_in_bytes", traffic.in_bytes)
    yield Metric("connz_out_bytes", traffic.out_bytes)
    yield Metric("connz_in_msgs", traffic.in_msgs)
    yield Metric("connz_out_msgs", traffic.out_msgs)


def _of_leaves(leaves: tuple[LeafStats, ...]) -> Iterator[Metric]:
    """The sums over all leaf links, under the exporter's names for a single one."""
    traffic = [one.connection.traffic for one in leaves]
    yield Metric("leafz_conn_nodes_total", len(leaves))
    yield Metric("leafz_conn_subscriptions_total", sum(one.subscriptions for one in leaves))
    yield Metric("leafz_conn_pending_bytes", sum(one.connection.pending_bytes for one in leaves))
    yield Metric("leafz_conn_in_msgs", sum(each.in_msgs for each in traffic))
    yield Metric("leafz_conn_out_msgs", sum(each.out_msgs for each in traffic))
    yield Metric("leafz_conn_in_bytes", sum(each.in_bytes for each in traffic))
    yield Metric("leafz_conn_out_bytes", sum(each.out_bytes for each in traffic))


def _of_health(*, serving: bool) -> Iterator[Metric]:
    """For the first, 0 means healthy; for the second, 1 does."""
    yield Metric("healthz_status", 0 if serving else 1)
    yield Metric("healthz_status_value", 1 if serving else 0, "ok" if serving else "error")


def _of_certificates(ends: Mapping[str, float]) -> Iterator[Metric]:
    for section, moment in sorted(ends.items()):
        yield Metric("pynatsd_certificate_not_after_seconds", moment, section, prefix="")


def _of_process(context: MonitoringContext, descriptors: int | None, memory: int) -> Iterator[Metric]:
    """Figures that dashboards draw for any program, and the time that monitoring has taken."""
    figures = context.figures
    if descriptors is not None:
        yield Metric("process_open_fds", descriptors, prefix="")
    yield Metric("process_max_fds", figures.max_descriptors(), prefix="")
    yield Metric("process_resident_memory_bytes", memory, prefix="")
    yield Metric("process_cpu_seconds_total", round(figures.processor_seconds(), 3), prefix="")
    yield Metric("pynatsd_loop_lag_seconds", round(figures.lag(), 6), prefix="")
    spent = context.stepper.spent + context.probe_stepper.spent
    yield Metric("pynatsd_monitoring_seconds_total", round(spent, 6), prefix="")


def _lines(sample: Metric, server_id: str) -> str:
    name = f"{sample.prefix}{sample.name}"
    labels = f'server_id="{_label(server_id)}"'
    if sample.text is not None:
        labels += f',value="{_label(sample.text)}"'
    about, kind = help_of(sample.name), kind_of(sample.name)
    return f"# HELP {name} {about}\n# TYPE {name} {kind}\n{name}{{{labels}}} {sample.value}\n"


def _label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
