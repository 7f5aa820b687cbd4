"""Unit tests of mirrors and sources of streams in other domains (ADR 0074)."""

import json
from collections.abc import Callable

import pytest

from app.domain.jetstream.storage.seam import StorageFailure
from app.domain.jetstream.streams import remote_feed
from app.domain.jetstream.streams.host import Handler
from app.domain.jetstream.streams.remote_origin import SILENCE
from tests.fakes.stream_host import FakeHost, FakeOutlet, HeldStorage, Made, Sent, make

EXTERNAL = {"api": "$JS.HUB.API", "deliver": ""}
API = b"$JS.HUB.API.CONSUMER.CREATE.O"
BEAT = "NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: {}\r\n{}\r\n"
ASKING = b"NATS/1.0 100 FlowControl Request\r\n\r\n"


class LinkedOutlet(FakeOutlet):
    """The way to the other domain, as the test says; what is sent with a reply is kept, too."""

    def __init__(self) -> None:
        super().__init__()
        self.is_linked = True
        self.changed: list[Callable[[], None]] = []
        self.replies: list[bytes] = []
        self._names = 0

    def random_name(self, length: int) -> str:
        """Another one each time."""
        self._names += 1
        return f"{self._names:0{length}}"

    def has_interest(self, subject: bytes, queue: str = "") -> bool:
        """Whether the link is there."""
        assert subject == API
        assert not queue
        return self.is_linked

    def watch_interest(self, subject: bytes, changed: Callable[[], None]) -> Callable[[], None]:
        """The test calls `changed`."""
        assert subject == API
        self.changed.append(changed)
        return lambda: self.changed.remove(changed)

    def publish(self, subject: bytes, payload: bytes, headers: bytes = b"", reply: bytes = b"") -> None:
        """Keep the message, and its reply subject."""
        self.replies.append(reply)
        self.published.append(Sent(subject, payload, headers))


class Far:
    """The other domain, as the test plays it."""

    def __init__(self) -> None:
        self.host = FakeHost()
        self.outlet = LinkedOutlet()
        self.host.outlet = self.outlet

    @property
    def listeners(self) -> dict[bytes, Handler]:
        """Who gets the messages of a subject."""
        return dict(self.host.listeners.values())

    def link(self, *, there: bool) -> None:
        """The link comes or goes."""
        self.outlet.is_linked = there
        for changed in list(self.outlet.changed):
            changed()

    def asked(self) -> list[Sent]:
        """What was sent since the last time."""
        asked, self.outlet.published = self.outlet.published, []
        return asked

    def config(self) -> dict[str, object]:
        """The configuration that was asked for last, and by one request alone."""
        (request,) = self.asked()
        found: dict[str, object] = json.loads(request.payload)["config"]
        return found

    def say(self, subject: bytes, headers: bytes, payload: bytes = b"", reply: bytes = b"") -> None:
        """Something comes to a subject that is listened to."""
        self.listeners[subject](subject, headers, payload, reply)
        self.run()

    def run(self) -> None:
        """Let all that is pending happen."""
        self.outlet.clock.run_pending()

    def answer(self, name: str = "C", identity: str = "", pending: int = 0, **fields: object) -> None:
        """The consumer was made."""
        config = self.config()
        document = {"name": name, "config": config, "num_pending": pending} | fields
        headers = f"NATS/1.0\r\nNats-Stream-Identity: {identity}\r\n\r\n".encode() if identity else b""
        self.say(self.outlet.replies[-1], headers, json.dumps(document).encode())
        self.outlet.clock.advance(remote_feed.PAUSE)

    def refuse(self, number: int, description: str = "no") -> None:
        """The consumer was not made."""
        self.asked()
        error = {"code": 400, "err_code": number, "description": description}
        self.say(self.outlet.replies[-1], b"", json.dumps({"error": error}).encode())

    @property
    def subject(self) -> bytes:
        """Where messages are waited for."""
        (found,) = [each for each in self.listeners if not each.startswith(b"$JSC")]
        return found

    def deliver(self, sequence: int, number: int, name: str = "C", count: int = 1, pending: int = 0) -> None:
        """A message comes."""
        reply = f"$JS.ACK.O.{name}.{count}.{sequence}.{number}.{sequence}000.{pending}"
        handler = self.listeners[self.subject]
        handler(f"o.{sequence}".encode(), b"", b"%d" % sequence, reply.encode())
        self.run()

    def beat(self, number: int, more: str = "") -> None:
        """A heartbeat comes."""
        self.say(self.subject, BEAT.format(number, more).encode())


@pytest.fixture(name="far")
def _far() -> Far:
    return Far()


def mirror(far: Far, storage: HeldStorage | None = None, **fields: object) -> Made:
    """A mirror of a stream O of the domain HUB."""
    given: dict[str, object] = {"name": "O", "external": EXTERNAL} | fields
    return make(far.host, storage, name="M", subjects=[], mirror=given)


def sourced(far: Far, storage: HeldStorage | None = None, **fields: object) -> Made:
    """A stream with it as its source."""
    given: dict[str, object] = {"name": "O", "external": EXTERNAL} | fields
    kind = "memory" if storage is None else "file"
    return make(far.host, storage, name="T", subjects=[], sources=[given], storage=kind)


def status(made: Made) -> dict[str, object]:
    """The status of the mirror, or of the first source."""
    found = made.stream.feeds.mirror_json()
    return found if found is not None else made.stream.feeds.sources_json()[0]


def error(made: Made) -> object:
    """The number of the error in it; 0 for none."""
    found = status(made).get("error", {"err_code": 0})
    assert isinstance(found, dict)
    return found["err_code"]


def test_a_mirror_is_fed(far: Far) -> None:
    """Messages keep sequence and time, and what is missing shows as lag."""
    made = mirror(far)
    far.answer(pending=2)
    assert 2 == status(made)["lag"]
    far.deliver(1, 1, pending=1)
    far.deliver(4, 2)

    assert [(1, "o.1", "1"), (4, "o.4", "4")] == made.contents()
    assert 4000 == made.log.time_of(4)
    assert {"name": "O", "external": EXTERNAL, "lag": 0, "active": 0} == status(made)


def test_a_source_is_fed(far: Far) -> None:
    """Copies say where they come from, with the prefix of the API in short."""
    made = sourced(far, filter_subject="o.*")
    far.answer(identity="abc")
    far.deliver(7, 1)

    message = made.log.read(1)
    assert message is not None
    assert b"Nats-Stream-Source: O:SqWXyZ3F 7 o.* > o.7 abc\r\n" in message.headers
    assert 7 == status(made)["seq"]


def test_the_link_comes_later(far: Far) -> None:
    """Until then the status says what is missing; then the origin is asked at once."""
    far.outlet.is_linked = False
    made = mirror(far)
    assert ([], 10029, -1) == (far.asked(), error(made), status(made)["active"])
    far.outlet.clock.advance(1)
    far.link(there=False)
    assert [] == far.asked()
    far.link(there=True)

    assert 1 == len(far.asked())
    assert 1 == len(far.listeners)


def test_the_link_comes_again(far: Far) -> None:
    """The origin is asked again, as messages may have got lost, and the old consumer is not heard."""
    made = mirror(far)
    far.answer()
    far.deliver(1, 1)
    old = far.listeners[far.subject]
    far.link(there=False)
    far.link(there=True)
    config = far.config()
    old(b"o.2", b"", b"2", b"$JS.ACK.O.C.1.2.2.2000.0")
    far.run()

    assert ("by_start_sequence", 2) == (config["deliver_policy"], config["opt_start_seq"])
    assert [1] == made.sequences()


def test_a_missing_origin(far: Far) -> None:
    """The error shows, and it is asked again, later each time, up to half a minute."""
    made = mirror(far)
    delays = []
    for _ in range(7):
        far.refuse(10059, "stream not found")
        assert 10059 == error(made)
        delays.append(0)
        while not far.outlet.published:
            far.outlet.clock.advance(1)
            delays[-1] += 1

    assert [1, 2, 4, 8, 16, 30, 30] == delays


def test_no_answer(far: Far) -> None:
    """It is asked again; an answer that comes too late is not listened to."""
    made = mirror(far)
    far.asked()
    late = far.listeners[far.outlet.replies[-1]]
    far.outlet.clock.advance(remote_feed.ANSWER_TIME)
    assert (10029, {}) == (error(made), far.listeners)
    far.outlet.clock.advance(1)
    late(b"", b"", b"{}", b"")

    assert 1 == len(far.asked())
    assert 1 == len(far.listeners)


def test_a_second_answer(far: Far) -> None:
    """Only the first one counts."""
    mirror(far)
    far.asked()
    answer = far.listeners[far.outlet.replies[-1]]
    document = {"name": "C", "config": {"deliver_subject": "d.x"}, "num_pending": 0}
    answer(b"", b"", json.dumps(document).encode(), b"")
    answer(b"", b"", json.dumps(document | {"name": "D"}).encode(), b"")
    far.deliver(1, 1)

    assert [b"d.x"] == list(far.listeners)


def test_an_answer_that_cannot_be_used(far: Far) -> None:
    """It delivers to a subject with wildcards."""
    made = mirror(far)
    far.answer(config={"deliver_subject": "d.>"})

    assert 10029 == error(made)


def test_older_servers(far: Far) -> None:
    """They are asked in an older form, and by a name that they do not make unique."""
    sourced(far)
    levels = []
    for _ in range(3):
        (request,) = far.outlet.published
        levels.append((request.headers, b"sourcing" in request.payload))
        far.refuse(10185)

    assert [b"Nats-Required-Api-Level: 5" in levels[0][0], b"Nats-Required-Api-Level: 4" in levels[1][0]]
    assert [True, True, False] == [sourcing for _, sourcing in levels]
    assert b"" == levels[2][0]


def test_all_forms_are_refused(far: Far) -> None:
    """Then the error is one as others are."""
    made = mirror(far)
    far.refuse(10185)
    far.refuse(10185, "too old")

    assert 10185 == error(made)


def test_an_origin_that_was_made_anew(far: Far) -> None:
    """A source begins with its first message."""
    made = sourced(far)
    far.answer(identity="abc")
    far.deliver(7, 1)
    far.beat(2)
    (request,) = far.outlet.published
    assert b"Nats-Stream-Identity: abc" in request.headers
    far.refuse(10225)
    assert b"Nats-Stream-Identity" not in far.outlet.published[0].headers
    far.answer(identity="def")
    far.deliver(1, 1)

    assert [(1, "o.7", "7"), (2, "o.1", "1")] == made.contents()


def test_copies_of_an_origin_that_was_made_anew(far: Far) -> None:
    """When they are safe at last, that says nothing of the new one: its messages are asked for again."""
    storage = HeldStorage()
    made = sourced(far, storage)
    far.answer(identity="abc")
    made.log.holds = True
    far.deliver(7, 1)
    far.beat(2)
    far.refuse(10225)
    far.answer(identity="def")
    made.log.let_go()
    far.deliver(1, 1)
    made.log.let_go(StorageFailure.FULL)
    far.run()
    made.stream.close()
    far.asked()
    sourced(far, storage)

    (request,) = far.asked()
    assert b"Nats-Stream-Identity: abc" in request.headers


def test_another_stream_without_need(far: Far) -> None:
    """An origin that misses what was not said is not asked on and on."""
    made = sourced(far)
    far.refuse(10225)

    assert (10225, []) == (error(made), far.asked())


@pytest.mark.parametrize(
    ("fields", "start"),
    [
        ({"opt_start_seq": 5}, {"deliver_policy": "by_start_sequence", "opt_start_seq": 5}),
        (
            {"opt_start_time": "2026-11-18T11:06:41Z"},
            {"deliver_policy": "by_start_time", "opt_start_time": "2026-11-18T11:06:41Z"},
        ),
    ],
)
def test_it_may_begin_later(far: Far, fields: dict[str, object], start: dict[str, object]) -> None:
    """At a sequence, or at a time."""
    mirror(far, None, **fields)
    config = far.config()

    assert start == {name: config[name] for name in start}


def test_silence(far: Far) -> None:
    """Heartbeats keep it; after ten seconds without a word the origin is asked again."""
    mirror(far)
    far.answer()
    for _ in range(15):
        far.outlet.clock.advance(1)
        far.beat(0)
    assert [] == far.asked()
    far.outlet.clock.advance(SILENCE)

    assert 1 == len(far.asked())


@pytest.mark.timeout(30)
def test_silence_that_is_over_but_for_a_rounding_error(far: Far) -> None:
    """It is over: a timer for so little would be due at once, again and again."""
    mirror(far)
    far.answer()
    begun = far.outlet.clock.monotonic()
    moments = [(begun + n / 997, n / 997) for n in range(1, 997)]
    later = next(wait for at, wait in moments if _rounds_up(at))
    far.outlet.clock.advance(later)
    far.beat(0)
    far.outlet.clock.advance(SILENCE)

    assert 1 == len(far.asked())


def _rounds_up(at: float) -> bool:
    """Whether the end of the silence, computed from whole nanoseconds, seems to be still to come."""
    whole = round(at * 1e9)
    return whole / 1e9 + SILENCE > (whole + round(SILENCE * 1e9)) / 1e9


@pytest.mark.parametrize(("number", "count"), [(1, 0), (0, 0), (2, 1), (9, 1)])
def test_a_heartbeat_says_what_was_sent(far: Far, number: int, count: int) -> None:
    """If something got lost, the origin is asked again. Before the first message it may say anything less."""
    mirror(far)
    far.answer()
    far.deliver(1, 1)
    far.beat(number)

    assert (count if number else 1) == len(far.asked())


def test_a_gap(far: Far) -> None:
    """A message that got lost is asked for; what comes after it comes again."""
    made = mirror(far)
    far.answer()
    far.deliver(1, 1)
    far.deliver(3, 3)
    config = far.config()

    assert ([1], 2) == (made.sequences(), config["opt_start_seq"])


@pytest.mark.parametrize(
    ("sequence", "number", "name", "count"), [(2, 2, "D", 1), (2, 2, "C", 2), (2, 1, "C", 1), (1, 2, "C", 1)]
)
def test_what_is_not_taken(far: Far, sequence: int, number: int, name: str, count: int) -> None:
    """Messages of others, deliveries that are repeated, and what is here already."""
    made = mirror(far)
    far.answer()
    far.deliver(1, 1)
    far.deliver(sequence, number, name, count)
    far.say(far.subject, b"", b"x", b"_INBOX.x")

    assert ([1], []) == (made.sequences(), far.asked())


def test_flow_control_is_confirmed_when_all_is_safe(far: Far) -> None:
    """The confirmation says how far it is; if it was not stored there is none."""
    made = mirror(far)
    far.answer()
    made.log.holds = True
    far.deliver(3, 1)
    far.say(far.subject, ASKING, reply=b"$JS.FC.O.C.x")
    assert [] == far.asked()
    made.log.let_go()

    fields = b"NATS/1.0\r\nNats-Last-Consumer: 1\r\nNats-Last-Stream: 3\r\n\r\n"
    assert [(b"$JS.FC.O.C.x", b"", fields)] == far.asked()


def test_an_origin_that_waits(far: Far) -> None:
    """A heartbeat may say that a confirmation is missing."""
    mirror(far)
    far.answer()
    far.beat(0, "Nats-Consumer-Stalled: $JS.FC.O.C.y\r\n")
    far.beat(0, "Nats-Consumer-Stalled: $JS.FC. .y\r\n")
    far.run()

    assert [b"$JS.FC.O.C.y"] == [each.subject for each in far.asked()]


def test_no_confirmation_after_the_end(far: Far) -> None:
    """Nor after a failure, nor to an earlier consumer."""
    made = mirror(far)
    far.answer()
    made.log.holds = True
    far.say(far.subject, ASKING, reply=b"$JS.FC.O.C.x")
    made.log.let_go(StorageFailure.FULL)
    far.say(far.subject, ASKING, reply=b"$JS.FC.O.C.y")
    far.deliver(9, 9)
    far.asked()
    made.log.let_go()
    far.run()

    assert [] == far.asked()


def test_what_never_gets_through(far: Far) -> None:
    """A message that is lost again and again is asked for once in a second."""
    made = mirror(far)
    far.answer()
    far.deliver(1, 1)
    far.deliver(3, 3)
    for _ in range(3):
        config = far.config()
        document = {"name": "C", "config": config, "num_pending": 1}
        far.say(far.outlet.replies[-1], b"", json.dumps(document).encode())
        far.deliver(3, 2)
        assert ([], {}) == (far.asked(), far.listeners)
        far.outlet.clock.advance(remote_feed.PAUSE)

    assert [1] == made.sequences()


def test_a_message_that_looks_like_a_status(far: Far) -> None:
    """What has an ack subject is a message."""
    made = mirror(far)
    far.answer()
    far.say(far.subject, b"NATS/1.0 409 X\r\n\r\n", reply=b"$JS.ACK.O.C.1.1.1.1000.0")

    assert ([1], []) == (made.sequences(), far.asked())


def test_a_consumer_that_cannot_be_deleted(far: Far) -> None:
    """Its name is no word."""
    made = mirror(far)
    far.answer(name="a b")
    made.stream.feeds.end()

    assert [] == far.asked()


def test_another_status(far: Far) -> None:
    """A consumer that was deleted is asked for again."""
    mirror(far)
    far.answer()
    far.say(far.subject, b"NATS/1.0 409 Consumer Deleted\r\n\r\n")

    assert 1 == len(far.asked())


def test_a_message_that_cannot_be_stored(far: Far) -> None:
    """It is tried again from there, and the error shows."""
    made = mirror(far)
    far.answer()
    far.host.over_limit = True
    far.deliver(1, 1)
    assert (10023, []) == (error(made), made.sequences())
    far.host.over_limit = False
    far.outlet.clock.advance(1)
    far.answer()
    far.deliver(1, 1)

    assert (0, [1]) == (error(made), made.sequences())


@pytest.mark.parametrize("is_mirror", [True, False])
def test_a_storage_that_fails(far: Far, *, is_mirror: bool) -> None:
    """All that was not safe is asked for again, once."""
    made = mirror(far) if is_mirror else sourced(far)
    far.answer()
    far.deliver(1, 1)
    made.log.holds = True
    far.deliver(2, 2)
    far.deliver(3, 3)
    made.log.let_go(StorageFailure.FULL)
    far.run()
    assert 10077 == error(made)
    made.log.holds = False
    far.outlet.clock.advance(1)

    assert 2 == far.config()["opt_start_seq"]


def test_a_failure_after_the_end(far: Far) -> None:
    """It changes nothing."""
    made = mirror(far)
    far.answer()
    made.log.holds = True
    far.deliver(1, 1)
    made.stream.feeds.close()
    made.log.let_go(StorageFailure.FULL)
    far.run()

    assert ([], {}) == (far.asked(), far.listeners)


def test_it_goes_on_after_a_restart(far: Far) -> None:
    """A mirror from its last sequence, a source from what was noted, at the same stream."""
    storage, other = HeldStorage(), HeldStorage()
    for make_one, kept in ((mirror, storage), (sourced, other)):
        made = make_one(far, kept)
        far.answer(identity="abc")
        far.deliver(5, 1)
        made.stream.close()
        far.run()
        assert [] == far.outlet.changed
        make_one(far, kept)
        (request,) = far.outlet.published
        assert 6 == far.config()["opt_start_seq"]
        assert (make_one is sourced) == (b"Nats-Stream-Identity: abc" in request.headers)
        far.host.streams.popitem()[1].close()


def test_the_end_of_a_stream(far: Far) -> None:
    """The origin is asked to forget the consumer, if there is one; a stream that closes leaves it."""
    made = mirror(far)
    made.stream.feeds.end()
    far.asked()
    again = mirror(far)
    far.answer()
    again.stream.end()

    assert [b"$JS.HUB.API.CONSUMER.DELETE.O.C"] == [each.subject for each in far.asked()]
    assert ({}, []) == (far.listeners, far.outlet.changed)


def test_a_source_that_is_taken_away(far: Far) -> None:
    """Its consumer is deleted, and nothing is asked for any more."""
    made = sourced(far)
    far.answer()
    made.stream.update(made.stream.config.__class__(name="T", subjects=("t",), storage="memory"))

    assert [b"$JS.HUB.API.CONSUMER.DELETE.O.C"] == [each.subject for each in far.asked()]


def test_other_streams_come_and_go(far: Far) -> None:
    """That is nothing to it; a feed that has ended does not begin again."""
    made = mirror(far)
    made.stream.streams_changed()
    assert 1 == len(far.asked())
    (feed,) = made.stream.feeds._feeds.values()  # noqa: SLF001 - what nobody can reach otherwise
    feed.close()
    feed.connect()

    assert [] == far.asked()


def test_a_name_that_is_no_subject(far: Far) -> None:
    """It is said, and nothing is asked."""
    made = mirror(far, name="a b")
    number = error(made)
    made.stream.close()

    assert (10029, []) == (number, far.asked())


def test_a_mirror_that_has_caught_up(far: Far) -> None:
    """It may answer for its origin from then on, and also when it falls behind."""
    feeds = mirror(far).stream.feeds
    said = [feeds.has_caught_up]
    far.answer(pending=100)
    said.append(feeds.has_caught_up)
    for number, pending in ((1, 5), (2, 500)):
        far.deliver(number, number, pending=pending)
        said.append(feeds.has_caught_up)

    assert [False, False, True, True] == said
    assert {"lag": 500} == {
        name: value for name, value in (feeds.mirror_json() or {}).items() if name == "lag"
    }
