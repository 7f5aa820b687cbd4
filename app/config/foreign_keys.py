"""Keys of nats-server that are known here and have no option: each with what to do about it.

A key that guards something, or changes what clients see, is refused: without it the server would be
more open, or other, than its file says. All others cost one line in the log (ADR 0020).
"""

from collections.abc import Mapping

_NO_ACCOUNTS = "is not supported: there is one account, and users are in authorization.users; remove it"
_NO_JWT = "is not supported: users are in authorization.users, and an authenticator may read JWTs; remove it"
_NO_PROXIES = "is not supported: nothing is taken from a proxy about its clients; remove it"
_ROTATION = "has no effect: rename the log file, and send the signal USR1, as logrotate does"
_ATTEMPTS = "has no effect: the 1st, 2nd, 4th, 8th … failed attempt is logged"
_CACHE = "has no effect: memory for decisions is bounded, and always used"
_PROFILER = (
    "has no effect, as there is no Go profiler here: use perf or py-spy instead, "
    "or the signal QUIT for stacks"
)
_ONE_TIMEOUT = "has no effect: a slow receiver is treated as `slow_consumer` says"


def each(text: str, *keys: str) -> dict[str, str]:
    """The same text about each of these keys, after its name."""
    return {key: f"{key} {text}" for key in keys}


SERVER_IDLE: Mapping[str, str] = {
    **each(_PROFILER, "prof_port", "prof_block_rate"),
    **each(_ROTATION, "logfile_size_limit", "log_size_limit", "logfile_max_num", "log_max_num"),
    **each(_ATTEMPTS, "connect_error_reports", "reconnect_error_reports"),
    **each(_CACHE, "disable_sublist_cache", "no_sublist_cache"),
    **each("has no effect: no client sees a system account", "no_system_account", "no_system", "no_sys_acc"),
    **each("has no effect: use trace", "trace_verbose"),
    **each("has no effect: trace logs messages whole", "max_traced_msg_len"),
    **each("has no effect: there are no such features here", "feature_flags"),
    **each("has no effect: use server_tags", "server_metadata"),
    **each("has no effect: certificates are not stapled", "ocsp_cache"),
    **each("has no effect: publishers wait as `slow_consumer` says", "no_fast_producer_stall"),
    **each(_ONE_TIMEOUT, "write_timeout"),
}

SERVER_REFUSED: Mapping[str, str] = {
    **each(_NO_ACCOUNTS, "accounts", "system_account", "system", "default_js_domain"),
    **each(_NO_JWT, "operator", "operators", "roots", "root", "root_operators", "root_operator"),
    **each(_NO_JWT, "resolver", "account_resolver", "accounts_resolver", "resolver_tls"),
    **each(_NO_JWT, "resolver_preload", "resolver_pinned_accounts", "trusted", "trusted_keys"),
    **each(_NO_JWT, "default_sentinel"),
    **each(_NO_PROXIES, "proxies", "proxy_protocol"),
    **each("is not supported: publish to the subject that is meant; remove it", "mappings", "maps"),
    **each("is not supported: use routes or leaf nodes; remove it", "gateway"),
    **each("is not supported: there is no MQTT; remove it", "mqtt"),
    **each("is not supported: certificates are not stapled; remove it", "ocsp"),
    **each("is not supported: pages are where their names say; remove it", "http_base_path"),
    **each("is not supported: trace logs payloads, too; remove it", "trace_headers"),
    **each(
        "is not supported: max_control_line bounds subjects; remove it",
        *("max_sub_tokens", "max_subscription_tokens"),
    ),
}

DEFAULTS: Mapping[str, object] = {"http_base_path": "/"}
"""Values of keys that are refused, which say what is so without them."""

CLUSTER_IDLE: Mapping[str, str] = {
    **each("has no effect: there is one route between two servers", "pool_size", "accounts"),
    **each("has no effect: time between attempts always grows", "connect_backoff"),
    **each("of cluster has no effect: that of clients holds for routes, too", "ping_interval", "ping_max"),
    **each("of cluster has no effect: that of clients holds for routes, too", "write_deadline"),
    **each(_ONE_TIMEOUT, "write_timeout"),
}

CLUSTER_REFUSED: Mapping[str, str] = each(
    "of cluster is not supported: a route carries all subjects; remove it", "permissions"
)

WEBSOCKET_IDLE: Mapping[str, str] = each(
    "of websocket has no effect: that of clients holds for websockets, too", "ping_interval"
)

WEBSOCKET_REFUSED: Mapping[str, str] = {
    **each(
        "is not supported: logins come in CONNECT; remove it",
        *("jwt_cookie", "user_cookie", "pass_cookie", "token_cookie"),
    ),
    **each(
        "of websocket is not supported: that of clients holds for websockets, too; remove it",
        *("authorization", "authentication"),
    ),
    **each("of websocket is not supported; remove it", "headers"),
}

PROXY_REQUIRED: Mapping[str, str] = each(_NO_PROXIES, "proxy_required")

AUTHORIZATION_REFUSED: Mapping[str, str] = {
    **PROXY_REQUIRED,
    **each("is not supported: use authenticator; remove it", "auth_callout", "auth_hook"),
}
