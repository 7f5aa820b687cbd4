"""The help text of each metric: meaning, unit, and whether it may fall."""

from collections.abc import Mapping

COUNTERS = frozenset(
    {
        *(f"varz_{way}_{unit}" for way in ("in", "out") for unit in ("msgs", "bytes")),
        *(f"varz_{way}_client_{unit}" for way in ("in", "out") for unit in ("msgs", "bytes")),
        *("varz_total_connections", "varz_slow_consumers", "varz_held_seconds"),
        *(f"varz_slow_consumer_stats_{kind}" for kind in ("clients", "routes", "gateways", "leafs")),
        *(f"varz_stale_connection_stats_{kind}" for kind in ("clients", "routes", "gateways", "leafs")),
        *("varz_stale_connections", "varz_header_violations", "varz_permission_violations"),
        *("subsz_num_inserts", "subsz_num_removes", "subsz_num_matches"),
    }
)
"""Metrics that never fall while a server runs. Sums over connected clients fall when one leaves."""

_NO_COUNTERS = frozenset({"connz_total", "leafz_conn_nodes_total", "leafz_conn_subscriptions_total"})
"""Names of the exporter that say total, and fall."""

_FALLS = "of the clients that are here now. Falls when one leaves: take rates from the metric of varz."

_OF_LINKS = "of those that are there now. Falls when one ends."

_HELP: Mapping[str, str] = {
    "varz_server_id": "Id of the server, new at each start; in the label value.",
    "varz_version": "Version of the protocol that INFO names; in the label value.",
    "varz_server_name": "Name of the server; in the label value.",
    "varz_max_connections": "Clients that the server takes at most.",
    "varz_ping_interval": "Nanoseconds of silence after which a client is pinged.",
    "varz_ping_max": "Pings that a client may leave unanswered.",
    "varz_http_port": "Port of monitoring; 0 is off.",
    "varz_https_port": "Port of encrypted monitoring; 0 is off.",
    "varz_max_control_line": "Bytes that a line of the protocol may have.",
    "varz_max_pending_size": "Bytes that may wait for one client.",
    "varz_max_pending": "Bytes that may wait for one client.",
    "varz_cluster_port": "Port for other servers; 0 is off.",
    "varz_tls_timeout": "Seconds for a TLS handshake.",
    "varz_port": "Port for clients.",
    "varz_max_payload": "Bytes that a message may have.",
    "varz_start": "When the server started, in milliseconds since the epoch.",
    "varz_config_load_time": "When its configuration was read, in milliseconds since the epoch.",
    "varz_mem": "Resident memory, in bytes.",
    "varz_cores": "Processors of the machine.",
    "varz_gomaxprocs": "Processors that the process may use.",
    "varz_cpu": "Percent of one processor, over the last second. The server runs on one.",
    "varz_connections": "Clients now.",
    "varz_total_connections": "Clients ever.",
    "varz_routes": "Routes to other servers now.",
    "varz_remotes": "Servers at the other ends of the routes.",
    "varz_in_msgs": "Messages received from clients and routes.",
    "varz_out_msgs": "Messages delivered to clients and routes.",
    "varz_in_bytes": "Bytes of payload received.",
    "varz_out_bytes": "Bytes of payload delivered.",
    "varz_in_client_msgs": "Messages received from clients.",
    "varz_out_client_msgs": "Messages delivered to clients.",
    "varz_in_client_bytes": "Bytes of payload received from clients.",
    "varz_out_client_bytes": "Bytes of payload delivered to clients.",
    "varz_slow_consumers": "Receivers that were closed because they were too slow.",
    "varz_slow_consumer_stats_clients": "Clients that were closed because they were too slow.",
    "varz_slow_consumer_stats_routes": "Routes that were closed because they were too slow.",
    "varz_slow_consumer_stats_gateways": "There are no gateways.",
    "varz_slow_consumer_stats_leafs": "Leaf links that were closed because they were too slow.",
    "varz_stale_connections": "Peers that were closed because they left pings unanswered.",
    "varz_stale_connection_stats_clients": "Clients that were closed because they left pings unanswered.",
    "varz_stale_connection_stats_routes": "Routes that were closed because they left pings unanswered.",
    "varz_stale_connection_stats_gateways": "There are no gateways.",
    "varz_stale_connection_stats_leafs": "Leaf links that were closed because they left pings unanswered.",
    "varz_closed_connections": "Closed clients that /connz?state=closed can show.",
    "varz_header_violations": "Messages that were refused for their headers, or for having some.",
    "varz_permission_violations": "Messages and subscriptions that clients had no right to.",
    "varz_max_subscriptions": "Subscriptions that one client may have.",
    "varz_subscriptions": "Subscriptions now, those of other servers' clients included.",
    "varz_held_publishers": "Publishers that wait now for a slow receiver.",
    "varz_held_seconds": "Seconds for which publishers have waited for slow receivers, all together.",
    "varz_proto": "Protocol number that clients are offered.",
    "varz_auth_timeout": "Seconds for a login.",
    "varz_write_deadline": "Nanoseconds in which a receiver has to take something.",
    "varz_leafnodes": "Leaf links now, to leaf nodes and to hubs.",
    "connz_num_connections": "Clients of a first page of /connz.",
    "connz_total": "Clients now.",
    "connz_offset": "Offset of a first page of /connz.",
    "connz_limit": "Limit of a first page of /connz.",
    "connz_pending_bytes": "Bytes that wait for the clients, all together.",
    "connz_subscriptions": "Subscriptions of the clients, all together.",
    "connz_in_bytes": f"Bytes of payload received, {_FALLS}",
    "connz_out_bytes": f"Bytes of payload delivered, {_FALLS}",
    "connz_in_msgs": f"Messages received, {_FALLS}",
    "connz_out_msgs": f"Messages delivered, {_FALLS}",
    "routez_num_routes": "Routes to other servers now.",
    "leafz_conn_nodes_total": "Leaf links now, to leaf nodes and to hubs.",
    "leafz_conn_subscriptions_total": "Subjects and queue groups that peers of leaf links ask for.",
    "leafz_conn_pending_bytes": "Bytes that wait for peers of leaf links, all together.",
    "leafz_conn_in_msgs": f"Messages received over leaf links, {_OF_LINKS}",
    "leafz_conn_out_msgs": f"Messages sent over leaf links, {_OF_LINKS}",
    "leafz_conn_in_bytes": f"Bytes of payload received over leaf links, {_OF_LINKS}",
    "leafz_conn_out_bytes": f"Bytes of payload sent over leaf links, {_OF_LINKS}",
    "subsz_num_subscriptions": "Subscriptions now, those of other servers' clients included.",
    "subsz_num_cache": "Subjects whose receivers are remembered.",
    "subsz_num_inserts": "Subscriptions added ever.",
    "subsz_num_removes": "Subscriptions removed ever.",
    "subsz_num_matches": "Look-ups of the receivers of a subject.",
    "subsz_cache_hit_rate": "Part of the look-ups that memory answered, from 0 to 1.",
    "subsz_max_fanout": "Receivers of the subject that has most, among those that are remembered.",
    "subsz_avg_fanout": "Receivers of a subject on average, among those that are remembered.",
    "subsz_plan_cache_bytes": "Bytes of remembered plans, by an estimate; at most 32 MiB.",
    "healthz_status": "0 while clients can come in, else 1.",
    "healthz_status_value": "1 while clients can come in, else 0; in the label value: ok or error.",
    "process_open_fds": "Open files and links of the process.",
    "process_max_fds": "Files and links that the process may have open.",
    "process_cpu_seconds_total": "Processor time of the process, in seconds.",
    "process_resident_memory_bytes": "Resident memory, in bytes.",
    "pynatsd_loop_lag_seconds": "Seconds by which the event loop was late with a timer, at worst, over the "
    "last 15 seconds. Clients wait for as long.",
    "pynatsd_certificate_not_after_seconds": "When the certificate of a section ends, in "
    "seconds since the epoch; the section is in the label value.",
    "pynatsd_lame_duck": "1 while the server sends its clients elsewhere, before it stops; else 0.",
    "pynatsd_monitoring_seconds_total": "Seconds of the event loop that monitoring has taken.",
}


def help_of(name: str) -> str:
    """One line about a metric, by its name without prefix."""
    if name.startswith("varz_http_req_stats"):
        return f"Requests for the page {name.removeprefix('varz_http_req_stats').strip('_') or '/'}."
    return _HELP.get(name, name.partition("_")[2])


def kind_of(name: str) -> str:
    """``counter`` for what never falls, else ``gauge``."""
    if name in COUNTERS or name.startswith("varz_http_req_stats"):
        return "counter"
    return "counter" if name.endswith("_total") and name not in _NO_COUNTERS else "gauge"
