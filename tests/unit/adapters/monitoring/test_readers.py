"""Programs of others that read the pages into typed records: one field of another type spoils all.

Each table names the fields that a program reads, and what it reads them as.
"""

from dataclasses import replace
from datetime import datetime

import pytest

from app.ports.broker_view import Profile, SubscriptionStats
from tests.fakes.broker_view import Watched, client
from tests.unit.adapters.monitoring.client import ask

pytestmark = pytest.mark.asyncio


class Moment:
    """Text that is a moment as Go reads it."""


class Numbers:
    """An object whose values are integers."""


Kind = type[str | int | float | bool | Moment | Numbers]

TELEGRAF: dict[str, Kind] = {
    **dict.fromkeys(["in_msgs", "out_msgs", "in_bytes", "out_bytes", "mem", "cores"], int),
    **dict.fromkeys(["connections", "subscriptions", "slow_consumers", "routes", "remotes"], int),
    "total_connections": int,
    "cpu": float,
    "now": Moment,
    "start": Moment,
}

NATS_TOP: dict[str, Kind] = {
    **dict.fromkeys(["server_id", "server_name", "version", "uptime"], str),
    **dict.fromkeys(["mem", "slow_consumers", "in_msgs", "out_msgs", "in_bytes", "out_bytes"], int),
    "cpu": float,
    "now": Moment,
}

NETDATA: dict[str, Kind] = {
    **TELEGRAF,
    **dict.fromkeys(["server_id", "server_name", "version", "host", "http_host", "uptime"], str),
    **dict.fromkeys(["proto", "port", "max_connections", "ping_interval", "ping_max", "http_port"], int),
    **dict.fromkeys(["https_port", "max_control_line", "max_payload", "max_pending", "gomaxprocs"], int),
    **dict.fromkeys(["write_deadline", "leafnodes"], int),
    **dict.fromkeys(["auth_timeout", "tls_timeout"], float),
    "http_req_stats": Numbers,
}

NATS_TOP_CLIENT: dict[str, Kind] = {
    **dict.fromkeys(["cid", "port", "subscriptions", "pending_bytes"], int),
    **dict.fromkeys(["in_msgs", "out_msgs", "in_bytes", "out_bytes"], int),
    **dict.fromkeys(["ip", "name", "lang", "version", "uptime", "idle"], str),
    "start": Moment,
    "last_activity": Moment,
}


def reads(value: object, kind: Kind) -> bool:
    """Whether a typed reader takes this JSON value as that kind; a float may come without a fraction."""
    if kind is Moment:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    if kind is Numbers:
        return isinstance(value, dict) and all(type(one) is int for one in value.values())
    return type(value) in (int, float) if kind is float else type(value) is kind


@pytest.mark.parametrize("fields", [TELEGRAF, NATS_TOP, NETDATA], ids=["telegraf", "nats-top", "netdata"])
async def test_varz(watched: Watched, fields: dict[str, Kind]) -> None:
    """All that the program reads of ``/varz`` is there, and of the type that it reads it as."""
    varz = (await ask(watched, "/varz")).json()

    assert [] == [name for name, kind in fields.items() if not reads(varz.get(name), kind)]


async def test_connz(watched: Watched) -> None:
    """The same for what nats-top reads of ``/connz``."""
    listed = (SubscriptionStats("a", "", "1", 0, 0, 1),)
    named = replace(client(1), profile=Profile("n", "go", "1.0", ""), subscription_list=listed)
    watched.view.clients = [named]

    connz = (await ask(watched, "/connz?limit=10&sort=bytes_to&subs=1")).json()

    assert (1, 1, 0, 10) == tuple(connz[name] for name in ("num_connections", "total", "offset", "limit"))
    (entry,) = connz["connections"]
    assert [] == [name for name, kind in NATS_TOP_CLIENT.items() if not reads(entry.get(name), kind)]
    assert ["a"] == entry["subscriptions_list"]


@pytest.mark.parametrize(
    "key",
    [
        "cid",
        "start",
        "subs",
        "pending",
        "msgs_to",
        "msgs_from",
        "bytes_to",
        "bytes_from",
        "last",
        "idle",
        "uptime",
    ],
)
async def test_sort_keys(watched: Watched, key: str) -> None:
    """The orders that terminal boards offer are known."""
    assert 200 == (await ask(watched, f"/connz?sort={key}")).status_code
