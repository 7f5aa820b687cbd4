"""By which names a server may be asked."""

from pathlib import Path

import pytest

from app.adapters.monitoring.hosts import host_of, is_own, machine_names
from tests.fakes.broker_view import Watched
from tests.unit.adapters.monitoring.client import ask

KNOWN = frozenset({"edge-1.example.com"})


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8222", "localhost"),
        ("Example.com.:80", "example.com"),
        ("127.0.0.1:8222", "127.0.0.1"),
        ("[::1]:8222", "::1"),
        ("[fe80::1%eth0]", "fe80::1%eth0"),
        ("", ""),
        ("a b:c", ""),
        ("::1", ""),
    ],
)
def test_headers(header: str, host: str) -> None:
    """The port, brackets, capitals and the last dot say nothing about who is meant."""
    assert host == host_of(header)


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "nats", "nats-0", "127.0.0.1", "192.0.2.1", "::1", "2001:db8::1", "fe80::1%eth0"),
        *("a.localhost", "nats.local", "nats-0.nats.default.svc.cluster.local", "nats.default.svc"),
        *("nats.internal", "edge-1.example.com"),
    ],
)
def test_names_that_nobody_else_can_have(host: str) -> None:
    """Addresses, names without a dot, names in private domains, and the server's own are good."""
    assert is_own(host, KNOWN)


@pytest.mark.parametrize(
    "host", ["", "evil.example.com", "localhost.example.com", "127.0.0.1.example.com", "1.2.3"]
)
def test_names_of_others(host: str) -> None:
    """Any other name may point here because somebody else wants it to."""
    assert not is_own(host, KNOWN)


def test_names_of_the_machine(tmp_path: Path) -> None:
    """A machine is known by its name alone, and in the domains in which it looks for others."""
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("nameserver 192.0.2.1\nsearch Corp.example.com. example.com\n\ndomain example.org\n")

    assert frozenset({"box", "box.corp.example.com", "box.example.com", "box.example.org"}) == machine_names(
        "Box", resolver
    )
    assert frozenset({"box"}) == machine_names("box", tmp_path / "missing")
    assert machine_names(resolver=resolver)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "path", ["/connz", "/routez", "/subsz", "/stacksz", "/dashboard/feed", "/connz?callback=x"]
)
async def test_pages_with_details(watched: Watched, path: str) -> None:
    """Who is connected, and what for, is not for a page that somebody else's name leads to."""
    answer = await ask(watched, path, host="evil.example.com:8222")

    assert 421 == answer.status_code
    assert answer.text.startswith("421 this server is not known as 'evil.example.com': ")
    assert 1 == answer.text.count("\n")


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/", "/varz", "/metrics", "/healthz", "/livez", "/docs"])
async def test_pages_with_figures(watched: Watched, path: str) -> None:
    """Probes and collectors may use any name."""
    assert 200 == (await ask(watched, path, host="lb.example.com")).status_code


@pytest.mark.asyncio
async def test_who_names_nobody(watched: Watched) -> None:
    """Programs of old send no name; the one in a whole URL counts before that of the header."""
    assert 200 == (await ask(watched, "/connz", host=None)).status_code
