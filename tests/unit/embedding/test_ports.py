"""Ports of a server that is started or configured again."""

from app.config.options import make_options
from app.embedding.ports import at_ports, same_ports


def test_a_second_start() -> None:
    """It is at the ports of the first one, each by the name of its option."""
    options = make_options({"port": -1, "http_port": -1, "leafnodes": {"port": -1, "host": "h"}})
    again = at_ports(options, {"port": 1, "http_port": 2, "leafnodes.port": 3})

    assert (1, 2, 3, "h") == (again.port, again.http_port, again.leafnodes.port, again.leafnodes.host)


def test_a_reload() -> None:
    """Ports stay, also where any free one was asked for, unless others are asked for now."""
    asked = make_options({"port": -1, "cluster": {"port": -1}, "leafnodes": {"port": -1}})
    in_force = at_ports(asked, {"port": 1, "cluster.port": 2, "leafnodes.port": 3})
    same = same_ports(asked, asked, in_force)
    other = same_ports(make_options({"port": 5, "leafnodes": {"port": 6}}), asked, in_force)

    assert (1, 2, 3) == (same.port, same.cluster.port, same.leafnodes.port)
    assert (5, 0, 6) == (other.port, other.cluster.port, other.leafnodes.port)
