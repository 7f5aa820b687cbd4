"""A server names itself in its own messages as nats-server does."""

from dataclasses import replace

from app.domain.protocol.encode import ServerInfo
from app.domain.protocol.server_fields import server_fields

INFO = ServerInfo(
    server_id="ID",
    version="2.14.0",
    go="CPython",
    host="127.0.0.1",
    port=4222,
    auth_required=False,
    tls_required=False,
    tls_verify=False,
    max_payload=1 << 20,
)


def test_what_there_is_not_is_left_out() -> None:
    """A server without a name has its id in place of it."""
    assert server_fields(INFO, 7, 1_500_000_000) == {
        "name": "ID",
        "host": "127.0.0.1",
        "id": "ID",
        "ver": "2.14.0",
        "jetstream": False,
        "flags": 0,
        "seq": 7,
        "time": "1970-01-01T00:00:01.5Z",
    }


def test_cluster_domain_and_streams() -> None:
    """In the order of nats-server."""
    info = replace(INFO, server_name="a", cluster="C", domain="D", jetstream=True)
    fields = server_fields(info, 1, 0)

    assert list(fields) == [
        "name",
        "host",
        "id",
        "cluster",
        "domain",
        "ver",
        "jetstream",
        "flags",
        "seq",
        "time",
    ]
    assert (fields["name"], fields["cluster"], fields["domain"], fields["flags"]) == ("a", "C", "D", 1)
