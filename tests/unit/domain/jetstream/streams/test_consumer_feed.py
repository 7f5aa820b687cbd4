"""Copying by a consumer of the origin (jetstream-streams.md, section 9)."""

from app.domain.jetstream.storage.seam import StorageFailure
from app.domain.jetstream.streams.consumer_feed import CHECK, SETUP
from tests.fakes.stream_host import BEGIN, FakeConsumer, FakeHost, HeldStorage, Made, make

BY = {"name": "C", "deliver_subject": "d"}


class Copying:
    """An origin `O` with a consumer `C`, and a stream that copies by it."""

    def __init__(
        self,
        *,
        mirrors: bool = False,
        storage: HeldStorage | None = None,
        host: FakeHost | None = None,
        policy: str = "flow_control",
        **fields: object,
    ) -> None:
        self.host = host or FakeHost()
        self.origin = make(self.host, name="O", subjects=["o.>"])
        self.consumer = FakeConsumer(self.host, policy=policy)
        self.host.consumers["O", "C"] = self.consumer
        source = {"name": "O", "consumer": BY} | fields
        self.made: Made = (
            make(self.host, storage, name="T", subjects=[], mirror=source)
            if mirrors
            else make(self.host, storage, name="T", subjects=[], sources=[source])
        )
        self.run()

    def run(self, seconds: float = 0.0) -> None:
        """Let time pass."""
        self.host.outlet.clock.advance(seconds)
        self.host.outlet.clock.run_pending()

    def deliver(self, *sequences: int) -> None:
        """Messages of the consumer."""
        for sequence in sequences:
            self.consumer.deliver(sequence, str(sequence))
        self.run()

    def status(self) -> dict[str, object]:
        """What the stream says of it."""
        found = self.made.stream.feeds.mirror_json()
        return found if found is not None else self.made.stream.feeds.sources_json()[0]

    def error(self) -> object:
        """The number of its error."""
        found = self.status().get("error")
        return found["err_code"] if isinstance(found, dict) else None

    def settled(self) -> list[tuple[str, str]]:
        """The answers to flow control: where they went, and what they say."""
        found = [(each.subject.decode(), each.headers.decode()) for each in self.host.outlet.published]
        self.host.outlet.published.clear()
        return found


def says(number: int, sequence: int) -> str:
    """An answer to flow control."""
    return f"NATS/1.0\r\nNats-Last-Consumer: {number}\r\nNats-Last-Stream: {sequence}\r\n\r\n"


def test_what_the_consumer_delivers_is_stored() -> None:
    """With a mark that names the consumer; subjects may be mapped."""
    copying = Copying(subject_transforms=[{"src": "o.*", "dest": "t.$1"}])

    copying.consumer.num_pending = 7
    copying.deliver(3, 5)

    assert [(1, "t.1", "3"), (2, "t.1", "5")] == copying.made.contents()
    message = copying.made.log.read(2)
    assert message is not None
    identity = copying.origin.stream.identity
    assert f"O:C=jZ6RvVRH 5 o.* t.$1 o.1 {identity}" in message.headers.decode()
    status = copying.status()
    assert ("O", 7, 5, None) == (status["name"], status["lag"], status["seq"], copying.error())
    assert 1 == copying.consumer.resets


def test_a_mirror_has_sequences_and_times_of_its_origin() -> None:
    """What does not come leaves holes."""
    copying = Copying(mirrors=True)
    copying.deliver(3, 5)

    assert [3, 5] == copying.made.sequences()
    assert BEGIN == copying.made.log.time_of(5)


def test_flow_control_is_answered_when_all_is_safe() -> None:
    """So the consumer keeps what is not; a heartbeat that waits for an answer has one, too."""
    copying = Copying()
    copying.made.log.holds = True
    copying.deliver(3, 5)
    copying.consumer.control("FlowControl Request", "fc.1")
    copying.run()
    assert [] == copying.settled()

    copying.made.log.let_go()
    copying.run()
    assert [("fc.1", says(2, 5))] == copying.settled()
    copying.made.log.holds = False
    copying.consumer.control("Idle Heartbeat", Last_Consumer=2, Last_Stream=5, Consumer_Stalled="fc.2")
    copying.run()
    assert [("fc.2", says(2, 5))] == copying.settled()
    copying.consumer.control("Idle Heartbeat", Last_Consumer=2, Last_Stream=5)
    copying.consumer.control("Idle Heartbeat")
    copying.run()
    assert ([], 1) == (copying.settled(), copying.consumer.resets)


def test_a_message_that_was_missed() -> None:
    """The consumer is reset, and what was stored before is passed over."""
    copying = Copying()
    copying.deliver(1)
    copying.consumer.number += 1
    copying.deliver(3)
    assert [1] == [sequence for sequence, *_ in copying.made.contents()]
    assert {} == copying.host.listeners
    copying.run(SETUP)
    assert 2 == copying.consumer.resets

    copying.deliver(1, 2, 3)
    assert ["1", "2", "3"] == [payload for *_, payload in copying.made.contents()]


def test_one_check_at_a_time() -> None:
    """However often the consumer was reset, and none when the stream closes."""
    copying = Copying()
    timers = copying.host.outlet.clock.timers_outstanding
    for number in range(3):
        copying.consumer.number += 1
        copying.deliver(1)
        copying.run(SETUP)
        assert number + 2 == copying.consumer.resets
    assert timers == copying.host.outlet.clock.timers_outstanding
    copying.made.stream.close()

    assert timers - 1 == copying.host.outlet.clock.timers_outstanding


def test_a_heartbeat_finds_what_was_missed() -> None:
    """It says how many were delivered."""
    copying = Copying()
    copying.deliver(1)
    copying.consumer.control("Idle Heartbeat", Last_Consumer=2, Last_Stream=2)
    copying.run(SETUP)

    assert 2 == copying.consumer.resets


def test_what_is_no_delivery() -> None:
    """Messages of others, repeated ones, and those that came before."""
    copying = Copying()
    copying.deliver(1)
    for reply in ("", "a.b", "$JS.ACK.O.C.1.2.x.4.5", "$JX.ACK.O.C.1.2.2.4.5", "$JS.ACK.O.C.2.2.2.4.5"):
        copying.consumer.send("o.1", b"", "no", reply)
    for reply in (f"$JS.ACK.P.C.1.2.2.{BEGIN}.0", f"$JS.ACK.O.D.1.9.9.{BEGIN}.0"):
        copying.consumer.send("o.1", b"", "of another consumer", reply)
    copying.consumer.number = 0
    copying.deliver(2)
    copying.run(SETUP)

    assert (1, [1]) == (copying.consumer.resets, copying.made.sequences())


def test_an_origin_or_a_consumer_that_is_missing() -> None:
    """It is tried again; the error says what is missing, or wrong."""
    copying = Copying()
    consumer = copying.host.consumers.pop(("O", "C"))
    copying.run(CHECK)
    assert 10014 == copying.error()
    assert -1 == copying.status()["active"]
    copying.host.consumers["O", "C"] = consumer
    copying.run(SETUP)
    assert (None, 2) == (copying.error(), consumer.resets)
    copying.run(3 * CHECK)
    copying.made.stream.streams_changed()
    copying.run()
    assert 2 == consumer.resets
    del copying.host.streams["O"]
    copying.host.consumers.clear()
    copying.made.stream.streams_changed()
    copying.run()
    assert 10059 == copying.error()
    assert {} == copying.host.listeners


def test_a_consumer_of_another_kind() -> None:
    """It is left as it is."""
    for mirrors, number in ((True, 10214), (False, 10217)):
        copying = Copying(mirrors=mirrors, policy="explicit")
        assert (number, 0) == (copying.error(), copying.consumer.resets)
        assert {} == copying.host.listeners


def test_an_origin_in_another_domain() -> None:
    """It is not reached, as without a consumer."""
    copying = Copying(external={"api": "$JS.hub.API", "deliver": ""})

    assert (0, {}) == (copying.consumer.resets, copying.host.listeners)


def test_a_message_that_cannot_be_stored() -> None:
    """It is asked for again after a while; the error says why."""
    copying = Copying()
    copying.host.over_limit = True
    copying.deliver(1)
    assert 10023 == copying.error()
    copying.host.over_limit = False
    copying.run(SETUP)
    copying.deliver(1)
    assert (None, [1]) == (copying.error(), copying.made.sequences())


def test_a_storage_that_fails() -> None:
    """What it took back is asked for again, and not confirmed."""
    for mirrors in (False, True):
        copying = Copying(mirrors=mirrors)
        copying.deliver(1)
        copying.made.log.holds = True
        copying.deliver(2, 3)
        copying.consumer.control("FlowControl Request", "fc.1")
        copying.made.log.let_go(StorageFailure.FULL)
        copying.made.log.holds = False
        assert [] == copying.settled()
        copying.run(SETUP)
        assert 2 == copying.consumer.resets

        copying.deliver(1, 2, 3)
        assert ["1", "2", "3"] == [payload for *_, payload in copying.made.contents()]


def test_it_goes_on_after_a_restart() -> None:
    """After what is stored, whatever the consumer delivers again."""
    storage = HeldStorage()
    first = Copying(storage=storage)
    first.deliver(1, 2)
    first.made.stream.close()
    assert {} == first.host.listeners
    first.run(CHECK)
    again = make(first.host, storage, name="T", subjects=[], sources=[{"name": "O", "consumer": BY}])
    first.run()
    first.deliver(1, 2, 3)

    assert ["1", "2", "3"] == [payload for *_, payload in again.contents()]


def test_what_the_consumer_has_settled_is_not_waited_for() -> None:
    """A consumer that begins later than the origin, or was used before."""
    copying = Copying()
    copying.consumer.floor = 9
    copying.consumer.number = 5
    copying.deliver(1)
    copying.run(SETUP)

    assert 9 == copying.status()["seq"]


def test_an_origin_that_was_made_anew() -> None:
    """Its messages are other ones, though their sequences are not."""
    copying = Copying()
    copying.deliver(1, 2)
    other = make(copying.host, name="O", subjects=["o.>"])
    other.stream.created += 10**9
    copying.consumer = FakeConsumer(copying.host)
    copying.host.consumers["O", "C"] = copying.consumer
    copying.made.stream.streams_changed()
    copying.made.stream.streams_changed()
    copying.run()
    copying.deliver(1)

    assert ["1", "2", "1"] == [payload for *_, payload in copying.made.contents()]


def test_copies_of_an_origin_that_was_made_anew() -> None:
    """When they are safe at last, that says nothing of the new one."""
    copying = Copying()
    copying.made.log.holds = True
    copying.deliver(5)
    other = make(copying.host, name="O", subjects=["o.>"])
    other.stream.created += 10**9
    copying.consumer = FakeConsumer(copying.host)
    copying.host.consumers["O", "C"] = copying.consumer
    copying.made.stream.streams_changed()
    copying.run()
    copying.made.log.let_go()
    copying.deliver(1)
    copying.made.log.let_go(StorageFailure.FULL)
    copying.made.log.holds = False
    copying.run(SETUP)
    copying.deliver(1)

    assert ["5", "1"] == [payload for *_, payload in copying.made.contents()]


def test_a_source_that_is_removed_before_it_began() -> None:
    """Nothing begins, and nothing that waits does harm."""
    copying = Copying()
    copying.made.log.holds = True
    copying.deliver(1)
    copying.consumer.control("FlowControl Request", "fc.1")
    config = copying.made.stream.config
    copying.made.stream.update(make(None, None, start=True, name="T", subjects=["t"]).stream.config)
    copying.made.log.let_go()
    copying.made.log.holds = False
    copying.made.stream.update(config)
    copying.made.stream.close()
    copying.run(CHECK)

    assert ([], {}, 1) == (copying.settled(), copying.host.listeners, copying.consumer.resets)
