"""Unit tests of what a stream learns at its start."""

import pytest

from app.domain.jetstream.streams import jobs
from tests.fakes.stream_host import FakeHost, HeldStorage, Made, make


def restarted(host: FakeHost, storage: HeldStorage, **fields: object) -> Made:
    """The stream after a restart, which has read a little of what is stored."""
    given: dict[str, object] = {"allow_msg_ttl": True}
    return make(host, storage, start=True, **(given | fields))


def filled(host: FakeHost, storage: HeldStorage) -> None:
    """Many messages; the first has an id, the last a TTL."""
    made = restarted(host, storage)
    made.ask("s.1", headers={"Nats-Msg-Id": "first"})
    for _ in range(500):
        made.publish("s.2", headers={"Nats-Other": "x"}, reply="")
        made.publish("s.2", reply="")
    made.ask("s.1", headers={"Nats-Msg-Id": "last", "Nats-TTL": "5s"})
    made.stream.close()


@pytest.fixture(name="host")
def _host(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A server whose slices are short."""
    monkeypatch.setattr(jobs, "SLICE", 0.0)
    return FakeHost()


def test_a_start_reads_in_slices(host: FakeHost) -> None:
    """What ends by itself is known when all is read."""
    storage = HeldStorage()
    filled(host, storage)
    made = restarted(host, storage)
    assert 0 < host.outlet.clock.calls_pending
    host.outlet.clock.run_pending()
    assert 0 == host.outlet.clock.calls_pending
    host.outlet.clock.advance(5)

    assert 1001 == made.log.count


def test_an_id_is_known_before_it_is_needed(host: FakeHost) -> None:
    """A publish with an id waits for nothing: the rest is read at once."""
    storage = HeldStorage()
    filled(host, storage)
    made = restarted(host, storage)

    made.publish("s.9", headers={"Nats-Msg-Id": "last"})
    made.publish("s.9", headers={"Nats-Msg-Id": "first"})
    host.outlet.clock.run_pending()
    assert [
        b'{"stream":"S","seq":1002,"duplicate": true}',
        b'{"stream":"S","seq":1,"duplicate": true}',
    ] == made.outlet.take()


def test_copies_with_ids_come_after_those_that_are_stored(host: FakeHost) -> None:
    """Ids are kept in the order of their messages."""
    storage = HeldStorage()
    filled(host, storage)
    made = restarted(host, storage)
    made.stream.store_copy(b"s.9", b"NATS/1.0\r\nNats-Msg-Id: copy\r\n\r\n", b"")

    made.publish("s.9", headers={"Nats-Msg-Id": "last"})
    host.outlet.clock.run_pending()
    assert [b'{"stream":"S","seq":1002,"duplicate": true}'] == made.outlet.take()


def test_only_the_window_is_read(host: FakeHost) -> None:
    """Where nothing ends by itself older messages are left alone."""
    storage = HeldStorage()
    filled(host, storage)
    host.outlet.clock.advance(200)
    made = restarted(host, storage, allow_msg_ttl=False)

    assert 0 == host.outlet.clock.calls_pending
    made.publish("s.9", headers={"Nats-Msg-Id": "last"})
    host.outlet.clock.run_pending()
    assert [b'{"stream":"S","seq":1003}'] == made.outlet.take()
