"""Fast batches: what is stored, and what their publishers hear (jetstream-streams.md, section 11)."""

import pytest

from app.domain.jetstream.storage.seam import StorageFailure
from app.domain.jetstream.streams import fast_batches
from tests.fakes.stream_host import HeldStorage, Made, block, make
from tests.support.runs import run_of


def fast(storage: HeldStorage | None = None, **fields: object) -> Made:
    """A stream that takes fast batches."""
    given: dict[str, object] = {"allow_batched": True}
    return make(None, storage, start=True, **(given | fields))


def send(  # noqa: PLR0913 - tests name what differs
    made: Made,
    number: int,
    operation: int | None = None,
    *,
    name: str = "u1",
    flow: int = 2,
    gap: str = "fail",
    **headers: str,
) -> list[str]:
    """One message of a batch; the answers."""
    if operation is None:
        operation = 0 if number == 1 else 1
    fields = {"Nats-" + key.replace("_", "-"): value for key, value in headers.items()}
    reply = f"p.{name}.{flow}.{gap}.{number}.{operation}.$FI"
    made.publish("s.1", str(number), fields or None, reply)
    made.outlet.clock.run_pending()
    return [each.decode() for each in made.outlet.take()]


def end(sequence: int, count: int, name: str = "u1") -> str:
    """The last answer to a batch."""
    return f'{{"stream":"S","seq":{sequence},"batch":"{name}","count":{count}}}'


def flow(number: int, every: int) -> str:
    """An answer that says how far a batch is."""
    return f'{{"type":"ack","seq":{number},"msgs":{every}}}'


def gap(expected: int, number: int) -> str:
    """An answer that says what is missing."""
    return f'{{"type":"gap","last_seq":{expected},"seq":{number}}}'


def refused(number: int, text: str, code: int = 400) -> str:
    """A refusal."""
    error = f'{{"code":{code},"err_code":{number},"description":"{text}"}}'
    return f'{{"error":{error},"stream":"S","seq":0}}'


def test_messages_are_stored_as_they_come() -> None:
    """Some are answered, and the last one is for all."""
    made = fast()

    assert [flow(0, 2)] == send(made, 1)
    assert [1] == made.sequences()
    assert [[flow(2, 2)], [], [flow(4, 2)]] == [send(made, number) for number in (2, 3, 4)]
    assert [end(5, 5)] == send(made, 5, 2)
    assert [1, 2, 3, 4, 5] == made.sequences()
    message = made.log.read(3)
    assert message is not None
    assert (b"", b"3") == (message.headers, message.payload)
    assert (0, 0) == (len(made.stream.fast), made.host.fast_batches.count)


def test_a_batch_may_end_with_a_message_that_is_not_stored() -> None:
    """It has the numbers of those before."""
    made = fast()
    send(made, 1)

    assert [end(1, 1)] == send(made, 2, 3)
    assert [1] == made.sequences()


def test_a_batch_may_be_one_message() -> None:
    """It has one answer."""
    assert [end(1, 1)] == send(fast(), 1, 2)


def test_answers_wait_until_messages_are_safe() -> None:
    """So do those to messages that were refused after them."""
    made = fast()
    made.log.holds = True

    assert [flow(0, 1)] == send(made, 1, flow=1)
    assert [] == send(made, 2, flow=1, Expected_Last_Sequence="9")
    made.log.let_go()

    text = '{"code":400,"err_code":10071,"description":"wrong last sequence: 1"}'
    expected = [flow(1, 1), f'{{"type":"err","seq":2,"error":{text}}}', end(1, 1)]
    assert expected == [each.decode() for each in made.outlet.take()]


def test_a_stream_without_them_refuses_them() -> None:
    """It does not take them for other messages, however they come."""
    made = make()

    assert [refused(10205, "batch publish is disabled")] == send(made, 1)
    made.stream.store_alone(b"s.1", b"", b"", b"p.u1.2.fail.1.0.$FI")
    run = run_of([(b"s.1", b"", b"", b"p.u1.2.fail.1.0.$FI")] * 3)
    assert 1 == made.stream.store_run(run)
    made.outlet.clock.run_pending()
    assert [refused(10205, "batch publish is disabled").encode()] * 2 == made.outlet.take()
    assert [] == made.sequences()


def test_what_is_no_batch() -> None:
    """A reply that makes no sense, a name that is too long, a batch that has not begun."""
    made = fast()

    assert [refused(10206, "batch publish pattern is invalid")] == send(made, 1, 7)
    assert [refused(10207, "batch publish ID is invalid")] == send(made, 1, name="x" * 65)
    assert [refused(10208, "batch publish ID unknown")] == send(made, 2)
    assert [refused(10208, "batch publish ID unknown")] == send(made, 1, 4)
    assert [flow(0, 2)] == send(made, 1, name="x" * 64)


def test_batches_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a stream, and those of all streams."""
    monkeypatch.setattr(fast_batches, "MAX_BATCHES", 2)
    monkeypatch.setattr(fast_batches, "MOST_BATCHES", 3)
    made = fast()
    other = make(made.host, None, name="T", subjects=["t"], allow_batched=True)
    too_many = [refused(10211, "batch publish too many inflight", 429)]
    for name in "ab":
        send(made, 1, name=name)

    assert too_many == send(made, 1, name="c")
    other.stream.store(b"t", b"", b"", b"p.a.2.fail.1.0.$FI")
    assert 3 == made.host.fast_batches.count
    send(made, 2, 3, name="a")
    send(made, 1, name="a")
    assert too_many == send(made, 1, name="c")
    other.stream.close()
    made.stream.update(made.stream.config)
    assert 2 == made.host.fast_batches.count


def test_what_a_stream_refuses_at_once() -> None:
    """Sizes, a stream that takes nothing, a storage that is full, and a level that is not here."""
    made = fast(max_msg_size=60)
    send(made, 1)

    assert [refused(10185, "JetStream minimum api level required", 412)] == send(
        made, 2, Required_Api_Level="99"
    )
    assert [refused(10208, "batch publish ID unknown")] == send(made, 2)
    assert [refused(10054, "message size exceeds maximum allowed")] == send(made, 1, X="x" * 60)
    assert [refused(10206, "batch publish pattern is invalid")] == send(made, 1, 7, Required_Api_Level="99")
    made.host.over_limit = True
    assert "10023" in send(made, 1)[0]


def test_a_level_that_is_here_is_not_stored() -> None:
    """It is a question and no part of the message."""
    made = fast()

    send(made, 1, Required_Api_Level="1")
    message = made.log.read(1)
    assert message is not None
    assert b"" == message.headers


def test_missing_messages_end_a_batch() -> None:
    """What came before them is stored, and answered for; a number that comes again is one of them."""
    made = fast()
    send(made, 1)

    assert [gap(2, 3), end(1, 1)] == send(made, 3)
    send(made, 1)
    assert [gap(2, 1), end(2, 1)] == send(made, 1)
    assert [1, 2] == made.sequences()


def test_missing_messages_may_be_allowed() -> None:
    """The publisher hears of them, and the batch goes on; numbers do not go back."""
    made = fast()
    send(made, 1, gap="ok")

    assert [gap(2, 5), flow(4, 2)] == send(made, 5, gap="ok")
    assert [gap(6, 3), end(2, 5)] == send(made, 3, gap="ok")


def test_pings() -> None:
    """They say how far the batch is, and find what is missing."""
    made = fast()
    for number in (1, 2, 3):
        send(made, number)

    assert [flow(2, 2)] == send(made, 3, 4)
    assert [gap(4, 6), end(3, 3)] == send(made, 5, 4)
    send(made, 1, gap="ok")
    assert [gap(2, 5), flow(4, 2)] == send(made, 4, 4, gap="ok")
    assert [gap(5, 6), flow(4, 2)] == send(made, 5, 4, gap="ok")
    assert [] == send(made, 6, gap="ok")[1:]


def test_a_message_that_is_refused_ends_a_batch() -> None:
    """The first one as any message; later ones with an answer for those before."""
    made = fast()
    wrong = '{"code":400,"err_code":10060,"description":"expected stream does not match"}'

    first = send(made, 1, Expected_Stream="x")
    assert [flow(0, 2), refused(10060, "expected stream does not match")] == first
    send(made, 1)
    assert [f'{{"type":"err","seq":2,"error":{wrong}}}', end(1, 1)] == send(made, 2, 2, Expected_Stream="x")
    assert [1] == made.sequences()


def test_refused_messages_may_be_allowed() -> None:
    """The batch goes on; its last message ends it even so."""
    made = fast()
    wrong = '{"code":400,"err_code":10060,"description":"expected stream does not match"}'
    send(made, 1, gap="ok")

    assert [f'{{"type":"err","seq":2,"error":{wrong}}}'] == send(made, 2, gap="ok", Expected_Stream="x")
    assert [flow(2, 2)] == send(made, 3, gap="ok")
    last = send(made, 4, 2, gap="ok", Expected_Stream="x")
    assert [f'{{"type":"err","seq":4,"error":{wrong}}}', end(2, 3)] == last


def test_known_ids_are_passed_over() -> None:
    """They count as stored; a batch of nothing else says where the message is."""
    made = fast()
    send(made, 1, Msg_Id="a")

    assert [flow(2, 2)] == send(made, 2, Msg_Id="a")
    assert [] == send(made, 3, Msg_Id="a")
    assert [flow(4, 2), end(1, 4)] == send(made, 4, 2, Msg_Id="a")
    single = '{"stream":"S","seq":1,"duplicate": true,"batch":"u1","count":1}'
    assert [single] == send(made, 1, 2, Msg_Id="a")
    assert [end(0, 1)] == send(made, 1, 2, gap="ok", Msg_Id="a")
    assert [1] == made.sequences()


def test_batches_share_what_goes_without_an_answer() -> None:
    """The second one begins slowly; how many are answered follows the number of batches."""
    made = fast()

    assert [flow(0, 500)] == send(made, 1, flow=900)
    assert [flow(0, 1), flow(1, 2)] == send(made, 1, name="u2", flow=900)
    assert [[], [flow(3, 4)]] == [send(made, number, name="u2", flow=900) for number in (2, 3)]
    for number in range(2, 500):
        send(made, number, flow=900)
    assert [flow(500, 250)] == send(made, 500, flow=900)


def test_a_batch_that_is_silent_is_forgotten() -> None:
    """After ten seconds; each message, also a ping, starts them again."""
    made = fast()
    send(made, 1)
    made.outlet.clock.advance(9)
    send(made, 1, 4)
    made.outlet.clock.advance(9)
    assert 1 == len(made.stream.fast)
    made.outlet.clock.advance(2)

    assert [refused(10208, "batch publish ID unknown")] == send(made, 2)


def test_a_stream_that_sends_no_acks() -> None:
    """Publishers hear of gaps, errors, and how far they are; nothing else is refused aloud."""
    made = fast(no_ack=True)

    assert [] == send(made, 2)
    assert [] == send(made, 1)
    assert [flow(2, 2)] == send(made, 2)
    assert [end(3, 3)] == send(made, 3, 2)


def test_when_they_are_no_longer_allowed() -> None:
    """Batches that have begun are gone, also when they are allowed again."""
    made = fast()
    send(made, 1)
    config = made.stream.config
    made.stream.update(make().stream.config)
    made.stream.update(config)

    assert [refused(10208, "batch publish ID unknown")] == send(made, 2)


def test_a_storage_that_fails() -> None:
    """Batches that lost a message are over, and answers are refusals; others go on."""
    made = fast()
    send(made, 1, name="safe", flow=9)
    made.log.holds = True
    send(made, 1, flow=1)

    made.log.let_go(StorageFailure.FULL)

    answers = [each.decode() for each in made.outlet.take()]
    assert [refused(10077, "no space left on device", 503)] == answers
    made.log.holds = False
    assert [refused(10208, "batch publish ID unknown")] == send(made, 2, flow=1)
    assert [end(2, 2, "safe")] == send(made, 2, 2, name="safe", flow=9)


def test_known_ids_of_messages_that_are_not_safe() -> None:
    """Answers that count them are refusals if these are taken back, and the batch is over."""
    made = fast()
    made.log.holds = True
    made.publish("s.1", "x", {"Nats-Msg-Id": "a"}, "")
    made.outlet.clock.run_pending()
    assert [] == send(made, 1, flow=1, Msg_Id="a")
    assert [] == send(made, 2, 2, flow=1, gap="ok", Msg_Id="a")
    assert [] == send(made, 1, name="u2", flow=1, Msg_Id="a")

    made.log.let_go(StorageFailure.FULL)
    made.log.holds = False
    made.outlet.clock.run_pending()

    full = refused(10077, "no space left on device", 503)
    answers = [each.decode() for each in made.outlet.take()]
    made.log.let_go()
    answers += [each.decode() for each in made.outlet.take()]
    assert [flow(0, 1), full, full, full, flow(0, 1), full] == answers
    assert [] == made.sequences()
    assert [refused(10208, "batch publish ID unknown")] == send(made, 2, name="u2", flow=1)


def test_too_much_that_waits() -> None:
    """A message is refused before it counts, so the next one finds a gap."""
    made = fast()
    send(made, 1)
    made.stream.commits.max_messages = 0

    assert "10167" in send(made, 2)[0]
    made.stream.commits.max_messages = 9
    assert [gap(2, 3), end(1, 1)] == send(made, 3)


def replies(numbers: range, name: str = "u1") -> list[tuple[bytes, bytes, bytes, bytes]]:
    """Messages in a row."""
    return [(b"s.1", b"", b"%d" % each, f"p.{name}.4.fail.{each}.1.$FI".encode()) for each in numbers]


def test_messages_in_a_row_are_stored_at_once() -> None:
    """They have one answer for all that is due."""
    made = fast()
    send(made, 1, flow=4)

    assert 11 == made.stream.store_run(run_of(replies(range(2, 13))))
    made.outlet.clock.run_pending()

    assert [flow(12, 4).encode()] == made.outlet.take()
    assert 12 == len(made.sequences())
    assert [end(13, 13)] == send(made, 13, 2)


def test_messages_in_a_row_that_do_not_follow_each_other() -> None:
    """Those that do are stored at once; the next one is taken alone."""
    made = fast()
    messages = [*replies(range(1, 2)), *replies(range(2, 5)), *replies(range(6, 9))]
    assert 1 == made.stream.store_run(run_of(messages))
    send(made, 1, flow=4)

    assert 3 == made.stream.store_run(run_of(messages[1:]))
    assert 1 == made.stream.store_run(run_of(messages[4:]))
    made.outlet.clock.run_pending()

    answers = [each.decode() for each in made.outlet.take()]
    assert [flow(4, 4), gap(5, 6), end(4, 4)] == answers


def test_messages_in_a_row_of_several_batches() -> None:
    """Those of one are stored at once, then those of the next."""
    made = fast()
    send(made, 1, name="a")
    send(made, 1, name="b")
    messages = [*replies(range(2, 5), "a"), *replies(range(2, 4), "b"), *replies(range(9, 10), "c")]

    taken = []
    while messages:
        taken.append(made.stream.store_run(run_of(messages)))
        messages = messages[taken[-1] :]

    assert [3, 2, 1] == taken
    assert 7 == len(made.sequences())


def test_messages_in_a_row_that_a_rule_concerns() -> None:
    """They are taken one by one, as those for which there is no room."""
    made = fast(max_msgs=5, discard="new")
    send(made, 1)
    made.stream.commits.max_messages = 2
    assert 1 == made.stream.store_run(run_of(replies(range(2, 5))))
    made.stream.commits.max_messages = 99

    assert 1 == made.stream.store_run(run_of(replies(range(3, 9))))
    assert [1, 2, 3] == made.sequences()


def test_a_run_begins_with_a_message_that_ends_its_batch() -> None:
    """It is taken alone."""
    made = fast()
    send(made, 1)
    last = (b"s.1", b"", b"", b"p.u1.4.fail.2.2.$FI")

    assert 1 == made.stream.store_run(run_of([last, *replies(range(3, 5))]))
    made.outlet.clock.run_pending()
    assert [end(2, 2).encode()] == made.outlet.take()


def test_headers_of_messages_in_a_row() -> None:
    """They are stored as they came."""
    made = fast()
    send(made, 1)
    head = block({"K": "v"})

    assert 1 == made.stream.store_run(run_of([(b"s.1", head, b"x", b"p.u1.4.fail.2.1.$FI")]))
    message = made.log.read(2)
    assert message is not None
    assert head == message.headers
