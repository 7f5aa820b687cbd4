"""Unit tests of the section ``cluster``."""

import pytest

from app.config.errors import ConfigError
from app.config.options import make_options
from app.domain.cluster.route_url import RouteUrl


def test_there_is_no_cluster_by_default() -> None:
    """Without a port there is no cluster."""
    assert 0 == make_options({}).cluster.port


def test_routes_are_understood() -> None:
    """A route is kept with its parts."""
    options = make_options({"cluster": {"port": 4248, "routes": ("nats://u:p@h:1", "nats-route://i:2")}})

    first, second = options.cluster.routes
    assert ("h", 1, "u", "p") == (first.host, first.port, first.user, first.password)
    assert RouteUrl("i", 2) == second


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_a_host_may_stand_in_brackets(host: str) -> None:
    """gnatsd's files have brackets around an address of IPv6, for it listens on no other."""
    options = make_options({"host": host, "cluster": {"host": host}})

    assert ("::1", "::1") == (options.host, options.cluster.host)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"routes": ("h:1",)}, 'error parsing route url ["h:1"]'),
        ({"routes": ("nats://h",)}, "address h: missing port in address"),
        ({"routes": (5,)}, "cluster.routes[0] must be a URL such as nats://host:port"),
        ({"routes": "nats://h:1"}, "cluster.routes must be an array [ … ]"),
        ({"port": 99999}, "cluster.port must be at most 65535"),
        ({"connect_retries": -1}, "cluster.connect_retries must be at least 0"),
        ({"no_advertise": 1}, "cluster.no_advertise must be true or false"),
        (
            {"authorization": {"password": "$2a$x"}},
            "cluster.authorization.password begins like a bcrypt hash",
        ),
        ({"tls": {"verify": 1}}, "error parsing tls config, expected 'verify' to be a boolean"),
    ],
)
def test_mistakes(given: dict[str, object], message: str) -> None:
    """Each mistake is named, in gnatsd's words where it has any."""
    with pytest.raises(ConfigError) as raised:
        make_options({"cluster": given})

    assert str(raised.value).startswith(message)
    assert 1 == len(raised.value.problems)
