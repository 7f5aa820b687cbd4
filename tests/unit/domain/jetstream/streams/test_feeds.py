"""Unit tests of mirrors and sources (jetstream-streams.md, section 9)."""

import json

import pytest

from app.domain.jetstream.storage.seam import StorageFailure
from app.domain.jetstream.streams import feed, jobs
from tests.fakes.stream_host import FakeHost, HeldStorage, Made, block, make


def origin(host: FakeHost, *subjects: str, name: str = "O", **fields: object) -> Made:
    """A stream on `o.>` with a message on each subject."""
    given: dict[str, object] = {"name": name, "subjects": ["o.>"]}
    made = make(host, **(given | fields))  # type: ignore[arg-type]  # fields of a configuration only
    fill(made, *subjects)
    return made


def fill(made: Made, *subjects: str) -> None:
    """Store a message on each."""
    for subject in subjects:
        made.publish(subject, subject[-1])
    made.outlet.clock.run_pending()
    made.outlet.take()


def mirror(host: FakeHost, storage: HeldStorage | None = None, more: dict[str, object] | None = None) -> Made:
    """A mirror of `O`."""
    return make(host, storage, name="M", subjects=[], mirror={"name": "O"} | (more or {}))


def sourced(host: FakeHost, storage: HeldStorage | None = None, **fields: object) -> Made:
    """A stream with `O` as its source."""
    return make(host, storage, name="T", subjects=[], sources=[{"name": "O"} | fields])


def run(host: FakeHost) -> None:
    """Let all that is pending happen."""
    host.outlet.clock.run_pending()


def status(made: Made) -> dict[str, object]:
    """The status of the mirror, or of the first source."""
    found = made.stream.feeds.mirror_json()
    return found if found is not None else made.stream.feeds.sources_json()[0]


def mark(made: Made, sequence: int) -> str:
    """What a copy says of where it came from."""
    message = made.log.read(sequence)
    assert message is not None
    return message.headers.decode().split("Nats-Stream-Source: ")[1].split("\r\n")[0]


def test_a_mirror_has_sequences_and_times_of_its_origin() -> None:
    """What is filtered leaves holes."""
    host = FakeHost()
    first = origin(host, "o.2", "o.1", "o.2", "o.2", "o.1")
    made = mirror(host, more={"filter_subject": "o.1"})
    run(host)

    assert [2, 5] == made.sequences()
    assert first.log.time_of(5) == made.log.time_of(5)
    assert [(2, "o.1", "1"), (5, "o.1", "1")] == made.contents()
    assert {"name": "O", "lag": 0, "active": 0, "filter_subject": "o.1"} == status(made)


def test_a_mirror_follows() -> None:
    """New messages come by themselves, gaps are passed by, removals are not followed."""
    host = FakeHost()
    first = origin(host, "o.1", "o.2", "o.3")
    first.stream.delete_message(2)
    made = mirror(host)
    made.stream.streams_changed()
    fill(first, "o.4")
    first.stream.purge()
    run(host)

    assert [1, 3, 4] == made.sequences()
    fill(first, "o.5")
    assert [1, 3, 4, 5] == made.sequences()


def test_only_what_is_safe_is_copied() -> None:
    """A message that its origin may lose is not elsewhere."""
    host = FakeHost()
    first = origin(host)
    made = mirror(host)
    first.log.holds = True
    first.publish("o.1")
    run(host)
    assert [] == made.sequences()
    first.log.let_go()
    run(host)

    assert [1] == made.sequences()


def test_a_mirror_goes_on_after_a_restart() -> None:
    """From its own last sequence."""
    host = FakeHost()
    first = origin(host, "o.1", "o.2")
    storage = HeldStorage()
    made = mirror(host, storage)
    run(host)
    made.stream.close()
    fill(first, "o.3")
    again = mirror(host, storage)
    run(host)

    assert [1, 2, 3] == again.sequences()


@pytest.mark.parametrize(
    ("fields", "sequences"),
    [
        ({"opt_start_seq": 2}, [2, 3]),
        ({"opt_start_time": "2026-11-18T11:06:41Z"}, [3]),
    ],
)
def test_a_mirror_may_start_later(fields: dict[str, object], sequences: list[int]) -> None:
    """At a sequence, or at a time."""
    host = FakeHost()
    first = origin(host, "o.1", "o.2")
    host.outlet.clock.advance(1)
    fill(first, "o.3")
    made = mirror(host, more=fields)
    run(host)

    assert sequences == made.sequences()


def test_an_origin_may_come_later() -> None:
    """Until then the status says that it is missing."""
    host = FakeHost()
    made = mirror(host)
    missing = status(made)
    assert (0, -1) == (missing["lag"], missing["active"])
    assert "stream not found" in json.dumps(missing["error"])
    origin(host, "o.1")
    made.stream.streams_changed()
    run(host)

    assert [1] == made.sequences()
    assert "error" not in status(made)


def test_an_origin_may_go() -> None:
    """The mirror keeps what it has, and follows another of the same name."""
    host = FakeHost()
    first = origin(host, "o.1")
    made = mirror(host)
    run(host)
    del host.streams["O"]
    outcomes: list[object] = []
    first.stream.delete(outcomes.append)
    made.stream.streams_changed()

    assert [None] == outcomes
    assert -1 == status(made)["active"]
    second = origin(host, "o.1", "o.2")
    made.stream.streams_changed()
    run(host)
    assert [1, 2] == made.sequences()
    assert second.log.last == 2


def test_a_source_that_was_made_anew_is_read_from_its_start() -> None:
    """Its sequences have nothing to do with those before."""
    host = FakeHost()
    origin(host, "o.1", "o.2")
    made = sourced(host)
    run(host)
    second = origin(host, "o.3")
    second.stream.created += 1
    made.stream.streams_changed()
    run(host)

    assert ["o.1", "o.2", "o.3"] == [subject for _, subject, _ in made.contents()]


def test_sources_have_sequences_of_their_own() -> None:
    """Each copy says where it came from."""
    host = FakeHost()
    first = origin(host)
    made = sourced(host, filter_subject="o.2")
    fill(first, "o.1", "o.2", "o.2")
    made.outlet.clock.advance(2)

    assert [1, 2] == made.sequences()
    assert f"O 3 o.2 > o.2 {first.stream.identity}" == mark(made, 2)
    assert {
        "name": "O",
        "lag": 0,
        "seq": 3,
        "active": 2_000_000_000,
        "filter_subject": "o.2",
    } == status(made)


def test_sources_go_on_after_a_restart() -> None:
    """From the last sequence that stored headers name, each source by itself."""
    host = FakeHost()
    first = origin(host, "o.1", "o.2", "o.1")
    storage = HeldStorage()
    sources = [{"name": "O", "filter_subject": "o.1"}, {"name": "O", "filter_subject": "o.2"}]
    made = make(host, storage, name="T", subjects=["t"], sources=sources)
    run(host)
    fill(made, "t")
    storage.log.append(b"t", block({"Nats-Stream-Source": "X"}), b"", storage.log.last_time)
    made.log.damaged.add(made.log.append(b"t", b"", b"", storage.log.last_time))
    made.stream.close()
    fill(first, "o.2", "o.1")
    again = make(host, storage, name="T", subjects=["t"], sources=sources)
    run(host)

    copied = sorted(mark(again, sequence) for sequence in (1, 2, 3, 7, 8))
    name = first.stream.identity
    assert [f"O {n} o.{s} > o.{s} {name}" for n, s in ((1, 1), (2, 2), (3, 1), (4, 2), (5, 1))] == copied


def test_copies_that_are_gone_are_not_made_again() -> None:
    """A queue of copies is often empty when the server ends."""
    host = FakeHost()
    first = origin(host, "o.1", "o.2")
    storage = HeldStorage()
    given: dict[str, object] = {"name": "T", "subjects": [], "sources": [{"name": "O"}], "storage": "file"}
    made = make(host, storage, start=True, **given)
    run(host)
    made.stream.purge()
    fill(first, "o.3")
    made.stream.close()
    fill(first, "o.4")
    again = make(host, storage, start=True, **given)
    run(host)

    assert ["o.3", "o.4"] == [subject for _, subject, _ in again.contents()]


def test_a_stream_that_closes_notes_nothing_more() -> None:
    """What was safe a moment ago is found in the copies."""
    host = FakeHost()
    storage = HeldStorage()
    origin(host, "o.1")
    given: dict[str, object] = {"name": "T", "subjects": [], "sources": [{"name": "O"}], "storage": "file"}
    made = make(host, storage, start=True, **given)
    made.stream.end_turn()
    made.stream.close()
    run(host)

    assert {} == storage.states


def test_much_is_searched_in_steps() -> None:
    """A stream without marks is read to its begin, without holding the loop."""
    host = FakeHost()
    made = make(host, name="T", subjects=["t"], sources=[{"name": "O"}])
    fill(made, *["t"] * 200)

    assert 1 < len(list(made.stream.recover()))


def test_subjects_may_be_transformed() -> None:
    """The first transform that matches is taken; what none matches is not copied."""
    host = FakeHost()
    origin(host, "o.1", "o.2", "o.3")
    transforms = [{"src": "o.1", "dest": "p.1"}, {"src": "o.2", "dest": ""}]
    made = sourced(host, subject_transforms=transforms)
    run(host)

    assert ["p.1", "o.2"] == [subject for _, subject, _ in made.contents()]
    assert mark(made, 1).startswith("O 1 o.1\fo.2 p.1\f> o.1 ")
    assert transforms == status(made)["subject_transforms"]


@pytest.mark.parametrize("is_mirror", [True, False])
def test_a_transformed_subject_is_limited(is_mirror: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """One that no record holds is not stored, nor is what comes after it, and the status says why."""
    host = FakeHost()
    longest = "o." + "x" * 65533
    origin(host, "o.1", longest, "o.2")
    transforms = [{"src": "o.>", "dest": "longer.>"}]
    made = (
        mirror(host, more={"subject_transforms": transforms})
        if is_mirror
        else sourced(host, subject_transforms=transforms)
    )
    run(host)

    assert ["longer.1"] == [subject for _, subject, _ in made.contents()]
    assert "message size exceeds maximum allowed" in str(status(made)["error"])


def test_what_was_meant_for_the_origin_is_dropped() -> None:
    """Expectations and marks of a chain; all else is kept, and a mirror keeps all."""
    host = FakeHost()
    first = origin(host)
    first.publish("o.1", "x", {"Nats-Expected-Last-Sequence": "0", "A": "b", "Nats-Msg-Id": "i"})
    run(host)
    made = sourced(host)
    copy = mirror(host)
    run(host)
    message, same = made.log.read(1), copy.log.read(1)

    assert message is not None
    assert message.headers.startswith(
        b"NATS/1.0\r\nA: b\r\nNats-Msg-Id: i\r\nNats-Stream-Source: O 1 > > o.1 "
    )
    assert same is not None
    assert b"Nats-Expected-Last-Sequence: 0" in same.headers


def test_chains_keep_the_last_mark() -> None:
    """A stream that is copied twice names the one before."""
    host = FakeHost()
    origin(host, "o.1")
    middle = sourced(host)
    end = make(host, name="E", subjects=[], sources=[{"name": "T"}])
    run(host)

    assert mark(end, 1) == f"T 1 > > o.1 {middle.stream.identity}"


def test_roll_ups_are_followed_where_they_are_allowed() -> None:
    """A copy of one removes what is older, if the stream takes roll-ups."""
    host = FakeHost()
    first = origin(host, "o.1", "o.2", allow_rollup_hdrs=True)
    allowed = make(host, name="T", subjects=[], sources=[{"name": "O"}], allow_rollup_hdrs=True)
    other = make(host, name="U", subjects=[], sources=[{"name": "O"}])
    first.publish("o.1", "x", {"Nats-Rollup": "sub"})
    run(host)

    assert [2, 3] == allowed.sequences()
    assert [1, 2, 3] == other.sequences()


@pytest.mark.parametrize("retention", ["workqueue", "interest"])
def test_an_origin_keeps_what_is_not_copied_yet(retention: str) -> None:
    """By interest and as a work queue it lets a message go when the copy is safe."""
    host = FakeHost()
    first = origin(host, retention=retention)
    storage = HeldStorage()
    storage.log.holds = True
    made = make(host, storage, name="T", subjects=[], sources=[{"name": "O"}])
    fill(first, "o.1")
    assert [1] == first.sequences()
    made.log.let_go()
    run(host)

    assert [] == first.sequences()
    assert [1] == made.sequences()


def test_a_copy_that_was_not_stored_is_made_again() -> None:
    """When the storage failed, or refuses: the error is shown, and it tries again."""
    host = FakeHost()
    first = origin(host, "o.1")
    storage = HeldStorage()
    storage.log.holds = True
    made = make(host, storage, name="T", subjects=[], sources=[{"name": "O"}])
    fill(first, "o.2")
    storage.log.is_failing = StorageFailure.FULL
    storage.log.let_go(StorageFailure.FULL)
    assert [] == made.sequences()
    host.outlet.clock.advance(feed.RETRY)
    assert "no space left on device" in json.dumps(status(made))
    fill(first, "o.3")
    storage.log.is_failing, storage.log.holds = None, False
    host.outlet.clock.advance(feed.RETRY)

    assert ["o.1", "o.2", "o.3"] == [subject for _, subject, _ in made.contents()]
    assert "error" not in status(made)


def test_a_refusal_and_a_failure_together_lose_nothing() -> None:
    """What was taken back is copied again, though the next message was refused before."""
    host = FakeHost()
    first = origin(host, "o.1")
    storage = HeldStorage()
    storage.log.holds = True
    made = sourced(host, storage)
    run(host)
    host.over_limit = True
    first.stream.contents.append(b"o.2", b"", b"", first.log.last_time)
    first.stream.contents.announce(2)
    host.over_limit = False
    storage.log.let_go(StorageFailure.FULL)
    storage.log.holds = False
    host.outlet.clock.advance(feed.RETRY)

    assert ["o.1", "o.2"] == [subject for _, subject, _ in made.contents()]


def test_a_mirror_makes_its_copies_again_too() -> None:
    """From what is really there."""
    host = FakeHost()
    origin(host, "o.1", "o.2")
    storage = HeldStorage()
    storage.log.holds = True
    made = mirror(host, storage)
    run(host)
    storage.log.let_go(StorageFailure.FULL)
    storage.log.holds = False
    host.outlet.clock.advance(feed.RETRY)

    assert [1, 2] == made.sequences()


def test_damaged_messages_are_passed_by() -> None:
    """What cannot be read is not copied, and does not hold up the rest."""
    host = FakeHost()
    first = origin(host, "o.1", "o.2")
    first.log.damaged.add(1)
    made = mirror(host)
    run(host)

    assert [2] == made.sequences()


def test_much_is_copied_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile the status shows how much is to come."""
    monkeypatch.setattr(jobs, "SLICE", 0.0)
    host = FakeHost()
    origin(host, *["o.1"] * 100)
    made = mirror(host)
    lag = status(made)["lag"]
    run(host)

    assert isinstance(lag, int)
    assert 0 < lag < 100
    assert 100 == made.log.count


def test_an_origin_may_go_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not copied yet is gone with it."""
    monkeypatch.setattr(jobs, "SLICE", 0.0)
    host = FakeHost()
    first = origin(host, *["o.1"] * 100)
    made = mirror(host)
    outcomes: list[object] = []
    first.stream.delete(outcomes.append)
    run(host)

    assert 0 < made.log.count < 100
    made.stream.close()


def test_a_mirror_may_become_a_stream() -> None:
    """It is no longer fed then, also if a try is outstanding."""
    host = FakeHost()
    first = origin(host)
    made = mirror(host)
    host.over_limit = True
    first.stream.contents.append(b"o.1", b"", b"", first.log.last_time)
    first.stream.contents.announce(1)
    run(host)
    made.stream.update(make(name="M", subjects=["m"]).stream.config)
    host.over_limit = False
    host.outlet.clock.advance(1)
    fill(first, "o.2")

    assert [] == made.sequences()
    assert made.stream.feeds.mirror_json() is None
    assert [] == made.stream.feeds.sources_json()


def test_other_domains_are_never_reached() -> None:
    """A single server without leaf nodes shows that there was no contact."""
    host = FakeHost()
    made = sourced(host, external={"api": "$JS.hub.API", "deliver": ""})
    made.stream.streams_changed()
    made.stream.update(made.stream.config)

    assert {
        "name": "O",
        "external": {"api": "$JS.hub.API", "deliver": ""},
        "lag": 0,
        "active": -1,
    } == status(made)


def test_a_failure_of_an_origin_that_is_gone_changes_nothing() -> None:
    """There is nothing to copy again."""
    host = FakeHost()
    first = origin(host, "o.1")
    storage = HeldStorage()
    storage.log.holds = True
    made = sourced(host, storage)
    run(host)
    del host.streams["O"]
    outcomes: list[object] = []
    first.stream.delete(outcomes.append)
    storage.log.let_go(StorageFailure.FULL)

    assert [] == made.sequences()
    assert 0 == host.outlet.clock.timers_outstanding


def test_a_feed_knows_what_it_wants() -> None:
    """By the filters of its source."""
    host = FakeHost()
    source = sourced(host, filter_subject="o.*").stream.config.sources[0]
    made = feed.Feed(make(host).stream, source, host, None)

    assert made.wants(b"o.1")
    assert not made.wants(b"p")
    everything = feed.Feed(make(host).stream, sourced(host).stream.config.sources[0], host, None)
    assert everything.wants(b"p")
