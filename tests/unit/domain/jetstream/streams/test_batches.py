"""Unit tests of atomic batches (jetstream-streams.md, section 8)."""

import json
from dataclasses import fields

import pytest

from app.domain.jetstream.storage.seam import StorageFailure
from app.domain.jetstream.streams import batches
from tests.fakes.stream_host import FakeReader, HeldStorage, Made, block, make


def atomic(**fields: object) -> Made:
    """A stream that takes batches."""
    given: dict[str, object] = {"allow_atomic": True}
    return make(None, None, start=True, **(given | fields))


def send(
    made: Made,
    number: int | str,
    commit: str = "",
    subject: str = "s.1",
    name: str = "u1",
    **more: str,
) -> str:
    """One message of a batch; the answer."""
    headers = {"Nats-Batch-Id": name, "Nats-Batch-Sequence": str(number)}
    if commit:
        headers["Nats-Batch-Commit"] = commit
    headers |= {"Nats-" + key.replace("_", "-"): value for key, value in more.items()}
    return made.ask(subject, f"{number}", headers)


def error(answer: str) -> tuple[int, str]:
    """The number and text of a refusal."""
    found = json.loads(answer)["error"]
    return found["err_code"], found["description"]


def test_all_messages_of_a_batch_are_stored_together() -> None:
    """Nothing is visible before; the answers before the last are empty."""
    made = atomic()
    made.ask("s.0", "0")
    assert "" == send(made, 1)
    assert "" == send(made, 2, subject="s.2")
    assert [1] == made.sequences()

    assert '{"stream":"S","seq":4,"batch":"u1","count":3}' == send(made, 3, "1")
    assert [(1, "s.0", "0"), (2, "s.1", "1"), (3, "s.2", "2"), (4, "s.1", "3")] == made.contents()
    message = made.log.read(4)
    assert message is not None
    assert message.headers == block(
        {"Nats-Batch-Id": "u1", "Nats-Batch-Sequence": "3", "Nats-Batch-Commit": "1"}
    )


def test_a_batch_may_end_with_a_message_that_is_not_stored() -> None:
    """The one before it is marked as the last."""
    made = atomic()
    send(made, 1)
    send(made, 2)

    assert '{"stream":"S","seq":2,"batch":"u1","count":2}' == send(made, 3, "eob")
    message = made.log.read(2)
    assert message is not None
    assert b"Nats-Batch-Commit: 1" in message.headers


def test_a_batch_may_be_one_message() -> None:
    """Its first is its last."""
    assert '{"stream":"S","seq":1,"batch":"u1","count":1}' == send(atomic(), 1, "1")


def test_batches_do_not_disturb_each_other() -> None:
    """Nor do they hold up ordinary messages."""
    made = atomic()
    send(made, 1, name="a")
    send(made, 1, name="b")
    made.ask("s.0")

    assert '{"stream":"S","seq":3,"batch":"b","count":2}' == send(made, 2, "1", name="b")
    assert '{"stream":"S","seq":5,"batch":"a","count":2}' == send(made, 2, "1", name="a")
    assert 0 == len(made.stream.batches)
    assert 0 == made.outlet.clock.timers_outstanding


@pytest.mark.parametrize(
    ("numbers", "number", "words"),
    [
        ([2], 10176, "atomic publish batch is incomplete"),
        ([1, 3], 10176, "atomic publish batch is incomplete"),
        ([1, 1], 10176, "atomic publish batch is incomplete"),
        (["x"], 10175, "atomic publish sequence is missing"),
        (["9" * 20], 10175, "atomic publish sequence is missing"),
        ([1001], 10199, "atomic publish batch is too large: 1000"),
    ],
)
def test_a_gap_ends_a_batch(numbers: list[int | str], number: int, words: str) -> None:
    """What came before is gone, and the batch can begin again."""
    made = atomic()
    for each in numbers[:-1]:
        send(made, each)

    assert (number, words) == error(send(made, numbers[-1]))
    assert 0 == len(made.stream.batches)
    assert [] == made.sequences()


def test_other_refusals_of_a_message() -> None:
    """A bad commit, an end at the begin, a long id, and a stream that takes no batches."""
    made = atomic()
    assert (10200, "atomic publish batch commit is invalid") == error(send(made, 1, "yes"))
    assert 10176 == error(send(made, 1, "eob"))[0]
    assert (10179, "atomic publish batch ID is invalid") == error(send(made, 1, name="x" * 65))
    assert 10174 == error(send(make(), 1))[0]
    config = made.stream.config
    sealed = {each.name: getattr(config, each.name) for each in fields(config)} | {"sealed": True}
    made.stream.update(type(config)(**sealed))
    assert 10109 == error(send(made, 1))[0]


def test_batches_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In number, in messages, and in bytes."""
    monkeypatch.setattr(batches, "MAX_BATCHES", 1)
    monkeypatch.setattr(batches, "MAX_MESSAGES", 2)
    made = atomic()
    reasons: list[tuple[str, str]] = []
    made.stream.batches.abandoned = lambda name, reason: reasons.append((name, reason))
    send(made, 1)
    assert (10210, "atomic publish too many inflight") == error(send(made, 1, name="u2"))
    send(made, 2)
    assert (10199, "atomic publish batch is too large: 2") == error(send(made, 3))
    monkeypatch.setattr(batches, "MAX_BYTES", 100)
    send(made, 1)
    assert 10210 == error(send(made, 2, X="y" * 50))[0]

    assert [("u1", "large"), ("u1", "large")] == reasons


def test_silence_ends_a_batch() -> None:
    """After ten seconds without a message; its end is reported."""
    made = atomic()
    reasons: list[tuple[str, str]] = []
    send(made, 1)
    made.outlet.clock.advance(9)
    send(made, 2)
    made.outlet.clock.advance(9)
    assert 1 == len(made.stream.batches)
    made.stream.batches.abandoned = lambda name, reason: reasons.append((name, reason))
    made.outlet.clock.advance(1)

    assert [("u1", "timeout")] == reasons
    assert 10176 == error(send(made, 3, "1"))[0]


def test_nobody_need_know_of_abandoned_batches() -> None:
    """The report is for those who want it."""
    made = atomic()
    send(made, 1)
    made.outlet.clock.advance(10)

    assert 0 == len(made.stream.batches)


@pytest.mark.parametrize(
    ("first", "second", "number"),
    [
        ({}, {"Expected_Last_Msg_Id": "x"}, 10177),
        ({}, {"Expected_Last_Sequence": "2"}, 10164),
        ({}, {"Expected_Last_Sequence": "1"}, 10071),
        ({"Expected_Last_Sequence": "0"}, {}, 10071),
        ({}, {"Expected_Last_Subject_Sequence": "1"}, 10164),
        (
            {},
            {"Expected_Last_Subject_Sequence": "1", "Expected_Last_Subject_Sequence_Subject": "s.*"},
            10164,
        ),
        ({"Msg_Id": "a"}, {"Msg_Id": "a"}, 10201),
        ({}, {"Msg_Id": "known"}, 10201),
        ({}, {"Rollup": "sub"}, 10111),
        ({}, {"Rollup": "all"}, 10111),
        ({}, {"TTL": "x"}, 10165),
        ({}, {"Expected_Stream": "T"}, 10060),
    ],
)
def test_one_refusal_refuses_all(first: dict[str, str], second: dict[str, str], number: int) -> None:
    """What does not hold is found before anything is stored."""
    made = atomic(allow_rollup_hdrs=True, allow_msg_ttl=True)
    made.ask("s.0", headers={"Nats-Msg-Id": "known"})
    send(made, 1, **first)

    assert number == error(send(made, 2, "1", **second))[0]
    assert [1] == made.sequences()


def test_expectations_may_hold() -> None:
    """Of the first message on the stream, and of each on a subject that the batch did not write to."""
    made = atomic(allow_rollup_hdrs=True)
    made.ask("s.0")
    send(made, 1, Expected_Last_Sequence="1", Rollup="all")
    send(
        made,
        2,
        subject="s.2",
        Expected_Last_Subject_Sequence="1",
        Expected_Last_Subject_Sequence_Subject="s.0",
        Rollup="sub",
        Msg_Id="a",
    )
    answer = send(
        made,
        3,
        "1",
        subject="s.3",
        Expected_Last_Subject_Sequence="0",
        Expected_Last_Subject_Sequence_Subject="t.*",
    )

    assert '"count":3' in answer
    assert [2, 3, 4] == made.sequences()


def test_room_is_checked_for_all() -> None:
    """With discard new, by number, by bytes, and for the account; replacing needs no room."""
    made = atomic(discard="new", max_msgs=2)
    send(made, 1)
    send(made, 2)
    assert (10077, "maximum messages exceeded") == error(send(made, 3, "1"))
    by_size = atomic(discard="new", max_bytes=200)
    send(by_size, 1)
    send(by_size, 2)
    assert (10077, "maximum bytes exceeded") == error(send(by_size, 3, "1"))
    replacing = atomic(discard="new", max_msgs=2, max_msgs_per_subject=1)
    for subject in ("s.1", "s.2"):
        replacing.ask(subject, "x" * 100)
    send(replacing, 1)
    assert '"count":2' in send(replacing, 2, "1", subject="s.2")
    poor = atomic()
    poor.host.room = 100
    send(poor, 1)
    assert 10002 == error(send(poor, 2, "1"))[0]

    assert [[], [], [3, 4], []] == [each.sequences() for each in (made, by_size, replacing, poor)]


def test_counters_add_up_within_a_batch() -> None:
    """Each message counts on the one before."""
    made = atomic(allow_msg_counter=True)
    headers = {"Nats-Batch-Id": "u", "Nats-Incr": "2"}
    made.ask("s.1", "", headers | {"Nats-Batch-Sequence": "1"})
    made.ask("s.1", "", headers | {"Nats-Batch-Sequence": "2", "Nats-Batch-Commit": "1"})

    assert ['{"val":"2"}', '{"val":"4"}'] == [payload for _, _, payload in made.contents()]


def test_without_interest_a_batch_gets_numbers() -> None:
    """As single messages do."""
    made = atomic(retention="interest")
    made.stream.add_reader(FakeReader("c", (b"s.1",)))
    send(made, 1)

    assert '{"stream":"S","seq":2,"batch":"u1","count":2}' == send(made, 2, "1", subject="s.2")
    assert [1] == made.sequences()


def test_a_failed_commit_takes_all_back() -> None:
    """One refusal answers for the batch."""
    made = atomic()
    send(made, 1)
    made.log.holds = True
    headers = {"Nats-Batch-Id": "u1", "Nats-Batch-Sequence": "2", "Nats-Batch-Commit": "1"}
    made.publish("s.1", "2", headers)
    made.outlet.clock.run_pending()
    made.log.let_go(StorageFailure.FULL)
    (answer,) = made.outlet.take()

    assert 10077 == error(answer.decode())[0]
    assert [] == made.sequences()


def test_closing_forgets_batches() -> None:
    """No timer stays."""
    made = atomic()
    send(made, 1)
    made.stream.close()

    assert 0 == made.outlet.clock.timers_outstanding


def batch_block(number: int, *, commit: bool = False, name: str = "u") -> bytes:
    """The header block of a stored message of a batch."""
    headers = {"Nats-Batch-Id": name, "Nats-Batch-Sequence": str(number)}
    return block(headers | ({"Nats-Batch-Commit": "1"} if commit else {}))


@pytest.mark.parametrize(
    ("blocks", "left"),
    [
        ([b"", batch_block(1), batch_block(2)], [1]),
        ([batch_block(1, commit=True), batch_block(1, name="v")], [1]),
        ([batch_block(1), batch_block(2, commit=True)], [1, 2]),
        ([block({"Nats-Batch-Id": "u"})], [1]),
        ([batch_block(1)], []),
        ([b""], [1]),
        ([], []),
    ],
)
def test_a_torn_batch_is_removed_at_the_start(blocks: list[bytes], left: list[int]) -> None:
    """A crash leaves all of a batch or nothing, whatever reached the disk."""
    storage = HeldStorage()
    for each in blocks:
        storage.log.append(b"s.1", each, b"", 1)
    made = make(None, storage, allow_atomic=True)

    assert left == made.sequences()
    assert len(blocks) == made.log.last


def test_what_was_deleted_later_is_no_torn_batch() -> None:
    """The last message of a batch may go without the others."""
    storage = HeldStorage()
    for each in (batch_block(1), batch_block(2, commit=True)):
        storage.log.append(b"s.1", each, b"", 1)
    storage.log.remove([2])

    assert [1] == make(None, storage, allow_atomic=True).sequences()


def test_what_goes_because_of_a_batch_goes_with_its_last_message() -> None:
    """If a crash leaves the first ones, their removal leaves all as it was before."""
    made = atomic(max_msgs_per_subject=1, allow_rollup_hdrs=True, max_msgs=4)
    for subject in ("s.1", "s.2", "s.3", "s.4"):
        made.ask(subject)
    send(made, 1)
    send(made, 2)
    send(made, 3, subject="s.5")
    send(made, 4, "1", subject="s.2", Rollup="sub")

    assert [[], [], [], [1, 2, 5, 3]] == made.log.removed_with[-4:]
    assert [4, 6, 7, 8] == made.sequences()


def test_limits_hold_after_a_batch() -> None:
    """The oldest go, however many they are; TTLs count as well."""
    made = atomic(max_bytes=2000, allow_msg_ttl=True)
    for _ in range(80):
        made.ask("s.1", "x")
    send(made, 1, TTL="5s", Other="x" * 800)
    send(made, 2, "1", Other="x" * 800)

    assert made.log.size <= 2000
    assert [81, 82] == made.sequences()[-2:]
    made.outlet.clock.advance(5)
    assert 81 not in made.sequences()


def test_a_batch_may_end_with_a_message_that_nobody_wants() -> None:
    """What it replaces goes all the same."""
    made = atomic(retention="interest", allow_rollup_hdrs=True)
    made.stream.add_reader(FakeReader("c", (b"s.1",)))
    made.ask("s.1")
    send(made, 1, Rollup="sub")
    send(made, 2, "1", subject="s.2")

    assert [2] == made.sequences()


def test_a_level_of_the_api_that_a_batch_needs() -> None:
    """It is not stored; a higher one than this server has ends the batch."""
    made = atomic()
    gone: list[tuple[str, str]] = []
    made.stream.batches.abandoned = lambda name, reason: gone.append((name, reason))

    assert '{"stream":"S","seq":1,"batch":"u1","count":1}' == send(made, 1, "1", Required_Api_Level="2")
    assert "" == send(made, 1)
    assert (10185, "JetStream minimum api level required") == error(send(made, 2, Required_Api_Level="99"))
    assert [("u1", "unsupported")] == gone
    message = made.log.read(1)
    assert message is not None
    assert b"Required" not in message.headers
