"""Streams that copy from a server in another domain, over a leaf link in virtual time (ADR 0074)."""

import json

import pytest

from app.domain.dataplane.seam import MakePlane
from tests.support.virtual_domains import VirtualDomains

FROM_HUB = {"api": "$JS.HUB.API", "deliver": ""}
FROM_LEAF = {"api": "$JS.LEAF.API", "deliver": ""}


@pytest.fixture(name="domains")
def _domains(make_plane: MakePlane) -> VirtualDomains:
    domains = VirtualDomains(make_plane)
    domains.hub.make("O", subjects=["o.>"])
    for number in range(3):
        domains.hub.raw(f"o.{number}", b"%d" % number)
    return domains


def test_a_leaf_has_a_mirror_of_a_stream_of_its_hub(domains: VirtualDomains) -> None:
    """It follows, and at the origin nobody sees a consumer."""
    domains.leaf.make("M", mirror={"name": "O", "external": FROM_HUB})
    domains.advance(1)
    domains.hub.raw("o.3", b"3")
    domains.advance(1)

    assert domains.hub.contents("O") == domains.leaf.contents("M")
    assert (0, None) == (domains.leaf.status("M")["lag"], domains.leaf.status("M").get("error"))
    assert [] == domains.hub.ask("CONSUMER.NAMES.O")["consumers"]


def test_a_hub_has_a_mirror_of_a_stream_of_its_leaf(domains: VirtualDomains) -> None:
    """Links go both ways."""
    domains.leaf.make("L", subjects=["l"])
    domains.leaf.raw("l", b"x")
    domains.hub.make("M", mirror={"name": "L", "external": FROM_LEAF})
    domains.advance(1)

    assert [(1, "l", "x")] == domains.hub.contents("M")


def test_sources_with_filters_and_transforms(domains: VirtualDomains) -> None:
    """Each gets its part, to a prefix of its own where one is configured."""
    sources = [
        {"name": "O", "filter_subject": "o.1", "external": FROM_HUB | {"deliver": "to.here"}},
        {"name": "O", "subject_transforms": [{"src": "o.2", "dest": "p.2"}], "external": FROM_HUB},
    ]
    domains.leaf.make("S", sources=sources)
    domains.advance(1)

    assert [("o.1", "1"), ("p.2", "2")] == sorted(each[1:] for each in domains.leaf.contents("S"))


def test_a_link_that_is_lost(domains: VirtualDomains) -> None:
    """What was stored meanwhile comes when it is there again, and nothing comes twice."""
    domains.leaf.make("M", mirror={"name": "O", "external": FROM_HUB})
    domains.leaf.make("S", sources=[{"name": "O", "external": FROM_HUB}])
    domains.advance(1)
    for number, seconds in ((4, 0.0), (5, 5.0), (6, 30.0)):
        domains.cut()
        domains.hub.raw(f"o.{number}", b"%d" % number)
        domains.advance(seconds)
        domains.heal()
        domains.advance(3)
        assert domains.hub.contents("O") == domains.leaf.contents("M") == domains.leaf.contents("S")


def test_servers_that_begin_again(domains: VirtualDomains) -> None:
    """Both sides go on where they were."""
    domains.leaf.make("M", mirror={"name": "O", "external": FROM_HUB})
    domains.leaf.make("S", sources=[{"name": "O", "external": FROM_HUB}])
    domains.advance(1)
    for number, domain in enumerate((domains.leaf, domains.hub, domains.leaf)):
        domains.restart(domain)
        domains.hub.raw(f"o.{number}", b"again")
        domains.advance(5)
        assert domains.hub.contents("O") == domains.leaf.contents("M") == domains.leaf.contents("S")


def test_an_origin_that_was_made_anew(domains: VirtualDomains) -> None:
    """A source has all of the new stream after all that it had."""
    domains.leaf.make("S", sources=[{"name": "O", "external": FROM_HUB}])
    domains.advance(1)
    domains.hub.ask("STREAM.DELETE.O")
    domains.advance(20)
    error = domains.leaf.status("S")["error"]
    domains.hub.make("O", subjects=["o.>"])
    domains.hub.raw("o.new", b"new")
    domains.advance(30)

    assert {"code": 404, "err_code": 10059, "description": "stream not found"} == error
    assert (4, "o.new", "new") == domains.leaf.contents("S")[-1]


def test_a_mirror_that_is_deleted(domains: VirtualDomains) -> None:
    """Nothing is left of it at the origin."""
    domains.leaf.make("M", mirror={"name": "O", "external": FROM_HUB})
    domains.advance(1)
    hosted = domains.hub.jetstream.catalogue.find("O")
    before = len(hosted.direct)
    domains.leaf.ask("STREAM.DELETE.M")
    domains.advance(0.1)

    assert (1, 0) == (before, len(hosted.direct))


def test_a_mirror_answers_for_its_origin(domains: VirtualDomains) -> None:
    """Direct gets by the name of the origin are served where the mirror is, also when the hub is away."""
    domains.cut()
    domains.leaf.make("M", mirror={"name": "O", "external": FROM_HUB}, mirror_direct=True)
    before = domains.leaf.raw("$JS.API.DIRECT.GET.O.o.1")
    domains.heal()
    domains.advance(3)
    domains.cut()

    assert b"503" in before
    assert b"\r\nNats-Stream: M\r\n" in domains.leaf.raw("$JS.API.DIRECT.GET.O.o.1")
    wanted = json.dumps({"seq": 2}).encode()
    assert b"\r\nNats-Sequence: 2\r\n" in domains.leaf.raw("$JS.API.DIRECT.GET.O", wanted)


def test_a_bucket_of_another_domain(domains: VirtualDomains) -> None:
    """Clients write to it with the prefix of the domain; without one that is no call."""
    domains.hub.make("KV_B", subjects=["$KV.B.>"])

    assert b'{"stream":"KV_B","domain":"HUB","seq":1}' in domains.leaf.raw("$JS.HUB.API.$KV.B.k", b"v")
    assert b"" == domains.hub.raw("$JS.API.$KV.B.k", b"v")
    assert [(1, "$KV.B.k", "v")] == domains.hub.contents("KV_B")
