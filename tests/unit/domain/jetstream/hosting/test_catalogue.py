"""The catalogue, as streams know it; its calls are tested by those of the API."""

from dataclasses import replace

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.jetstream.errors import JetStreamError
from app.domain.jetstream.streams.remote_feed import RemoteFeed
from tests.support.virtual_jetstream import SETTINGS, VirtualJetStream


def test_finding(js: VirtualJetStream) -> None:
    """A stream is found by its name, and is an origin for others."""
    js.stream()
    catalogue = js.jetstream.catalogue
    assert catalogue.find_origin("S") is catalogue.find("S").stream
    assert catalogue.find_origin("T") is None
    with pytest.raises(JetStreamError, match="stream not found"):
        catalogue.find("T")


def test_limits(js: VirtualJetStream) -> None:
    """Without limits nothing is too much."""
    catalogue = js.jetstream.catalogue
    assert not catalogue.is_over_limit(in_memory=True)
    assert not catalogue.would_exceed(10**18, in_memory=False)
    assert catalogue.has_much_room(in_memory=True)
    catalogue.apply(replace(SETTINGS, max_memory=10, max_storage=1 << 40))
    assert (False, True) == tuple(catalogue.has_much_room(in_memory=each) for each in (True, False))


def test_subjects_that_nobody_can_compare(js: VirtualJetStream) -> None:
    """A stream is refused whose subjects would be compared for long with those of others."""
    js.stream("A", subjects=[f"a{n}.b" for n in range(900)])
    assert (
        js.refusal(
            "STREAM.CREATE.B", {"name": "B", "subjects": [f"*.{n}" for n in range(900)], "no_ack": True}
        )
        == 10052
    )


def test_batches_that_are_abandoned(js: VirtualJetStream) -> None:
    """Who subscribes to it hears of a batch that was not finished."""
    watcher = js.connect()
    watcher.send(b"SUB $JS.EVENT.ADVISORY.STREAM.BATCH_ABANDONED.S 1\r\n")
    js.stream(allow_atomic=True)
    js.raw("s.a", b"x", b"NATS/1.0\r\nNats-Batch-Id: b\r\nNats-Batch-Sequence: 1\r\n\r\n")
    js.server.advance(60)
    assert b'"batch":"b","reason":"timeout"' in watcher.heard()


def test_restart_with_sources(js: VirtualJetStream, make_plane: MakePlane) -> None:
    """How far sources were read is no consumer: it is not shown, and nothing is copied twice."""
    js.stream("O")
    js.stream("Z", subjects=["z"], sources=[{"name": "O"}])
    js.publish("o.a")
    js.server.advance(2)
    js.jetstream.stop()

    again = js.restarted(make_plane)
    again.server.advance(2)

    assert again.ask("CONSUMER.NAMES.Z")["consumers"] == []
    assert again.ask("STREAM.INFO.Z")["state"]["messages"] == 1  # type: ignore[index]


def test_who_answers_direct_gets(js: VirtualJetStream) -> None:
    """A stream for its own name, and for that of a stream elsewhere a mirror that is complete."""
    catalogue = js.jetstream.catalogue
    external = {"name": "O", "external": {"api": "$JS.HUB.API", "deliver": ""}}
    js.stream("A", allow_direct=True)
    js.stream("B")
    js.stream("M", subjects=[], mirror=external, mirror_direct=True)
    js.stream("N", subjects=[], mirror=external)
    js.stream("P", subjects=[], mirror=external, mirror_direct=True)
    assert catalogue.find("A").stream is catalogue.for_direct_gets("A")
    assert catalogue.for_direct_gets("B") is None
    assert catalogue.for_direct_gets("O") is None
    for name in "NP":
        (feed,) = catalogue.find(name).stream.feeds._feeds.values()  # noqa: SLF001 - as if it was fed
        assert isinstance(feed, RemoteFeed)
        feed.has_caught_up = True
    assert catalogue.find("P").stream is catalogue.for_direct_gets("O")
    js.ask("STREAM.DELETE.P")
    assert catalogue.for_direct_gets("O") is None
    js.ask("STREAM.DELETE.M")
    assert catalogue.for_direct_gets("O") is None
