"""Client level: the version in INFO, by which clients decide which features to use.

It is the newest one whose every feature that a client can see works here, those of JetStream where it is
on. A test for each feature holds it; raise the version when the features of the next one are here.
"""

from collections.abc import Mapping
from types import MappingProxyType

CLIENT_LEVEL = "2.14.0"
"""In INFO with `Compatibility.CURRENT`. What 2.15 adds is for servers that copy from each other.

`xkey` is for authorization services, not for clients.
"""

FEATURES: Mapping[str, str] = MappingProxyType(
    {
        "invalid client protocol": "0.9.2",
        "asynchronous INFO": "0.9.2",
        "maximum subscriptions": "1.2.0",
        "Invalid Publish Subject": "1.2.0",
        "proto": "1.2.0",
        "client_id": "1.2.0",
        "no echo": "1.2.0",
        "only what is true": "1.2.0",
        "one line for an unknown operation": "1.4.0",
        "control line of 4096 bytes": "1.4.0",
        "cluster": "2.0.0",
        "nonce": "2.0.0",
        "login with an nkey": "2.0.0",
        "Authentication Timeout": "2.0.0",
        "server_name": "2.1.2",
        "client_ip": "2.1.6",
        "headers": "2.2.0",
        "delivery of headers": "2.2.0",
        "no responders": "2.2.0",
        "ldm": "2.2.0",
        "tls_available": "2.2.0",
        "connect_urls for websockets": "2.2.0",
        "jetstream": "2.2.0",
        "domain": "2.3.3",
        "message tracing": "2.11.0",
        "streams": "2.12.0",
        "connect_info": "2.12.0",
        "fast batches": "2.14.0",
        "acks by flow control": "2.14.0",
        "sources by consumers": "2.14.0",
    }
)
"""What clients see, and since which version (later-client-features.md, sections 2 to 7)."""
