"""Texts of configurations with keys of nats-server: what they are here, and that it knows them."""

IDLE = """
prof_block_rate: 5
logfile_size_limit: 1GB
log_size_limit: 1000
logfile_max_num: 3
log_max_num: 3
connect_error_reports: 10
reconnect_error_reports: 2
disable_sublist_cache: true
no_sublist_cache: true
no_system_account: true
no_system: true
no_sys_acc: true
trace_verbose: true
max_traced_msg_len: 100
feature_flags: { js_ack_fc_v2: true }
server_metadata: { a: "b" }
no_fast_producer_stall: true
write_timeout: close
ocsp_cache: true
cluster { port: 6222, name: x, pool_size: 5 }
cluster { port: 6222, name: x, accounts: ["A"] }
cluster { port: 6222, name: x, connect_backoff: true }
cluster { port: 6222, name: x, ping_interval: "10s" }
cluster { port: 6222, name: x, ping_max: 3 }
cluster { port: 6222, name: x, write_deadline: "2s" }
cluster { port: 6222, name: x, write_timeout: retry }
leafnodes { port: 7422, write_deadline: "2s" }
websocket { port: 8080, no_tls: true, ping_interval: "5s" }
""".strip().splitlines()

REFUSED = """
trace_headers: true
default_sentinel: "x"
http_base_path: "/nats"
proxy_protocol: true
max_sub_tokens: 8
operator: ["x"]
trusted: ["x"]
accounts { A { users = [ { user: a, password: b } ] } }
mappings { a: b }
mqtt { listen: "127.0.0.1:1883" }
gateway { name: x, listen: "127.0.0.1:7222" }
ocsp: true
proxies { trusted = [ { key: "x" } ] }
cluster { port: 6222, name: x, permissions { import: "a" } }
websocket { port: 8080, no_tls: true, jwt_cookie: x }
websocket { port: 8080, no_tls: true, headers { a: b } }
websocket { port: 8080, no_tls: true, authorization { user: a, password: b } }
authorization { user: a, password: b, proxy_required: true }
authorization { auth_callout { issuer: x } }
authorization { users = [ { user: a, password: b, proxy_required: true } ] }
""".strip().splitlines()

OFF = """
trace_headers: false
http_base_path: "/"
proxy_protocol: false
mqtt {}
gateway {}
accounts {}
mappings {}
ocsp: false
authorization { user: a, password: b, proxy_required: false }
leafnodes { port: 7422, isolate: false }
""".strip().splitlines()

OTHER_NAMES = """
ws { port: 8080, no_tls: true }
logtime_utc: true
max_closed_clients: 20
max_connections: -1
ping_interval: "0"
jetstream { enable: true }
tls { cert_file: "x", key_file: "y", min_version: "1.3" }
websocket { port: 8080, no_tls: true, origin: "https://x", compress: true }
cluster { port: 6222, name: x, advertise: "192.0.2.1:6222" }
cluster { port: 6222, name: x, compression: off }
cluster { port: 6222, name: x, compression: accept }
cluster { port: 6222, name: x, compression: false }
leafnodes { port: 7422, leafnode_advertise: "192.0.2.1:7422" }
authorization { users = [ { user: a, password: b } ], permissions { publish: a } }
authorization { users = [ { user: a, password: b } ], default_permission { publish: a } }
authorization { users = [ { user: a, password: b, permission { publish: a } } ] }
authorization { users = [ { user: a, password: b, authorization { publish: a } } ] }
authorization { users = [ { user: a, password: b, clients: ["STANDARD"] } ] }
authorization { users = [ { user: a, password: b, connection_types: ["websocket", "MQTT"] } ] }
authorization { users = [ { user: a, password: b, allowed_connection_types: [] } ] }
""".strip().splitlines()

NEED_FILES_OR_KEYS = (
    'operator: ["x"]',
    'trusted: ["x"]',
    'proxies { trusted = [ { key: "x" } ] }',
    "authorization { auth_callout { issuer: x } }",
    'tls { cert_file: "x", key_file: "y", min_version: "1.3" }',
)
"""Those for whose values nats-server asks more than they are here."""
