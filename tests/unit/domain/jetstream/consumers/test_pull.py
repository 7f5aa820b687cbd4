"""Unit tests of pull requests, their turns and their statuses."""

import json

import pytest

from app.domain.jetstream.consumers.pull import AT_ONCE, HELD
from tests.fakes.jetstream import SECOND, Sent

from .harness import INBOX, MS, Harness, numbers


def make(count: int = 0, **fields: object) -> Harness:
    """A consumer on a stream with messages."""
    harness = Harness()
    harness.create(**fields)
    harness.publish(count)
    return harness


def short(sent: list[Sent]) -> list[object]:
    """Stream sequences of messages, and status lines."""
    return [numbers(each)[1] if each.reply else each.status for each in sent]


def pending(sent: Sent) -> tuple[bytes, ...]:
    """The values of the fields of a status."""
    return tuple(line.split(b": ")[1] for line in sent.headers.split(b"\r\n")[1:-2])


def test_one_message_for_an_empty_request() -> None:
    """It waits for ever."""
    harness = make()
    assert [] == harness.ask()
    harness.advance(10**6)
    harness.publish(2)
    assert [1] == short(harness.outlet.take(INBOX))


def test_the_bytes_of_a_message() -> None:
    """Stored subject, ack subject, header and payload."""
    harness = make()
    harness.stream.add("s.b", b"data", b"NATS/1.0\r\nA: 1\r\n\r\n")
    (sent,) = harness.ask()
    assert (b"s.b", b"$JS.ACK.S.C.1.1.1.1480000000000000000.0") == (sent.subject, sent.reply)
    assert (b"NATS/1.0\r\nA: 1\r\n\r\n", b"data") == (sent.headers, sent.payload)


def test_the_end_of_the_server() -> None:
    """Requests that wait end with a status that lets clients ask again, with what they did not get."""
    harness = make(1)
    assert [1] == short(harness.ask(batch=3))
    harness.consumer.end_requests()
    (sent,) = harness.outlet.take(INBOX)
    assert ("409 Server Shutdown", (b"2", b"0")) == (sent.status, pending(sent))
    harness.publish(1)
    assert [] == harness.outlet.take(INBOX)


def test_only_headers() -> None:
    """With the size of what is left out."""
    harness = make(headers_only=True)
    harness.stream.add("s.b", b"data")
    (sent,) = harness.ask()
    assert (b"NATS/1.0\r\nNats-Msg-Size: 4\r\n\r\n", b"") == (sent.headers, sent.payload)


def test_no_wait() -> None:
    """What is there, then 404; a filled batch has no status."""
    harness = make(3)
    assert [1, 2] == short(harness.ask(batch=2, no_wait=True))
    assert [3, "404 No Messages"] == short(harness.ask(batch=2, no_wait=True))
    assert ["404 No Messages"] == short(harness.ask(no_wait=True))


def test_no_wait_with_an_end() -> None:
    """It waits for the first messages, then ends."""
    harness = make()
    assert [] == harness.ask(batch=5, no_wait=True, expires=SECOND)
    harness.publish(2)
    assert [1, 2, "404 No Messages"] == short(harness.outlet.take(INBOX))
    harness = make()
    harness.ask(batch=5, no_wait=True, expires=SECOND)
    harness.advance(1)
    assert ["408 Request Timeout"] == short(harness.outlet.take(INBOX))


def test_no_wait_while_others_wait_for_more() -> None:
    """They will take all that is there."""
    harness = make(1, max_ack_pending=1)
    harness.ask(batch=3)
    harness.publish(1)
    assert ["408 Requests Pending"] == short(harness.ask("_INBOX.b", no_wait=True))


def test_no_wait_at_the_limit_waits_for_room() -> None:
    """No status until then."""
    harness = make(2, max_ack_pending=1)
    (first,) = harness.fetch(1)
    assert [] == harness.ask(batch=2, no_wait=True)
    harness.ack(first)
    assert [2] == short(harness.outlet.take(INBOX))


def test_no_wait_at_the_limit_ends_with_the_next_heartbeat() -> None:
    """Clients that fetch with heartbeats do not wait for their time to pass."""
    harness = make(5, max_ack_pending=2)
    body: dict[str, object] = {"batch": 9, "no_wait": True, "expires": 10 * SECOND, "idle_heartbeat": SECOND}
    assert [1, 2] == short(harness.request(body))
    harness.advance(1)
    assert ["100 Idle Heartbeat", "404 No Messages"] == short(harness.outlet.take(INBOX))


def test_an_expired_request() -> None:
    """It says what is left of it."""
    harness = make(1)
    assert [1] == short(harness.ask(batch=3, expires=SECOND, max_bytes=1000))
    harness.advance(0.9)
    assert [] == harness.outlet.take(INBOX)
    harness.advance(0.1)
    (status,) = harness.outlet.take(INBOX)
    assert (
        b"NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 2\r\nNats-Pending-Bytes: " in status.headers
    )


@pytest.mark.parametrize(("body", "count"), [({}, 0), ({"batch": 0}, 0), ({"batch": 1}, 1)])
def test_an_expired_request_that_did_not_say_how_many(body: dict[str, object], count: int) -> None:
    """It had 1 message to come, and reads of none, as with nats-server."""
    harness = make()
    harness.request({**body, "expires": SECOND})
    harness.advance(1)
    (status,) = harness.outlet.take(INBOX)
    assert b"Nats-Pending-Messages: %d\r\n" % count in status.headers


def test_a_request_that_expired_before() -> None:
    """Negative times end at once, also if a message is there."""
    harness = make(1)
    assert ["408 Request Timeout"] == short(harness.ask(expires=-5))


def test_bytes_are_limited() -> None:
    """The request ends before the message that does not fit."""
    harness = make(3)
    size = len(b"s.a" + b"$JS.ACK.S.C.1.1.1.1480000000000000000.2" + b"x")
    sent = harness.ask(batch=9, max_bytes=size + 5)
    assert [1, "409 Message Size Exceeds MaxBytes"] == short(sent)
    assert (b"8", b"5") == pending(sent[1])
    sent = harness.ask(batch=1, max_bytes=size + 5)
    assert [2, "409 Batch Completed"] == short(sent)
    assert (b"0", b"5") == pending(sent[1])
    assert [3] == short(harness.ask(batch=9, max_bytes=size))
    assert 0 == harness.count("num_waiting")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"batch": 11}, "409 Exceeded MaxRequestBatch of 10"),
        ({"expires": 2 * SECOND}, "409 Exceeded MaxRequestExpires of 1s"),
        ({"max_bytes": 1001}, "409 Exceeded MaxRequestMaxBytes of 1000"),
        ({"expires": 10, "idle_heartbeat": 6}, "400 Bad Request - heartbeat value too large"),
        ({"id": "x"}, "400 Bad Request - Not a Pinned Client Priority consumer"),
    ],
)
def test_caps(body: dict[str, object], status: str) -> None:
    """Beyond them a request is refused."""
    harness = make(1, max_batch=10, max_expires=SECOND, max_bytes=1000)
    assert [status] == short(harness.request(body))


def test_the_queue_is_bounded() -> None:
    """Those with heartbeats are refused silently; room comes when clients go."""
    harness = make(max_waiting=2)
    harness.ask("_INBOX.a")
    harness.outlet.subscribe("other")
    harness.ask("other")
    assert ["409 Exceeded MaxWaiting"] == short(harness.ask("_INBOX.c"))
    assert [] == harness.ask("_INBOX.c", expires=SECOND, idle_heartbeat=SECOND // 4)
    harness.outlet.unsubscribe("other")
    assert ["409 Exceeded MaxWaiting"] == short(harness.ask("_INBOX.c"))
    harness.advance(1)
    assert [] == harness.ask("_INBOX.c")
    assert 2 == harness.count("num_waiting")


def test_room_comes_at_once_when_a_client_went() -> None:
    """Also right after somebody asked for consumer info."""
    harness = make(max_waiting=1)
    harness.outlet.subscribe("gone")
    harness.ask("gone")
    assert 1 == harness.count("num_waiting")
    harness.outlet.unsubscribe("gone")
    assert [] == harness.ask()


def test_requests_take_turns() -> None:
    """One message each."""
    harness = make()
    for inbox in ("_INBOX.a", "_INBOX.b"):
        harness.ask(inbox, batch=2)
    harness.publish(4)
    sent = [(each.to, numbers(each)[1]) for each in harness.outlet.take()]
    assert [(b"_INBOX.a", 1), (b"_INBOX.b", 2), (b"_INBOX.a", 3), (b"_INBOX.b", 4)] == sent


def test_requests_of_one_client_are_filled_together() -> None:
    """All get what they ask for; an end says what is left of each."""
    harness = make()
    for _ in range(2):
        harness.ask(batch=100, expires=SECOND)
    for _ in range(150):
        harness.stream.add()
    harness.run()
    assert list(range(1, 151)) == short(harness.outlet.take(INBOX))
    harness.advance(1)
    left = [int(pending(sent)[0]) for sent in harness.outlet.take(INBOX)]
    assert 50 == sum(left)


def test_a_client_that_went_costs_no_message() -> None:
    """Its request is dropped; the next one gets the message as its first delivery."""
    harness = make()
    harness.outlet.subscribe("gone")
    harness.ask("gone", batch=5)
    harness.ask("_INBOX.b")
    harness.outlet.unsubscribe("gone")
    harness.publish(1)
    assert [1] == [numbers(each)[0] for each in harness.outlet.take("_INBOX.b")]


def test_nobody_listens_to_the_reply() -> None:
    """The request is dropped when it arrives."""
    harness = make()
    harness.ask("nobody")
    assert 0 == harness.count("num_waiting")


def test_without_reply_a_request_means_nothing() -> None:
    """There is nowhere to send messages to."""
    harness = make(1)
    harness.consumer.pull(b"", b"")
    assert 1 == harness.consumer.num_pending


def test_heartbeats_come_when_nothing_else_does() -> None:
    """And say how far the consumer is."""
    harness = make(5)
    harness.fetch(5)
    harness.ask(batch=2, expires=10 * SECOND, idle_heartbeat=SECOND)
    harness.advance(0.6)
    harness.publish(1)
    assert [6] == short(harness.outlet.take(INBOX))
    harness.advance(0.9)
    assert [] == harness.outlet.take(INBOX)
    harness.advance(1.1)
    (beat, _) = harness.outlet.take(INBOX)
    assert (
        b"NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 6\r\nNats-Last-Stream: 6\r\n\r\n" == beat.headers
    )
    harness.advance(20)
    assert "408 Request Timeout" == harness.outlet.take(INBOX)[-1].status


def test_a_slow_client_is_tried_again() -> None:
    """Others are served meanwhile, and nothing is lost."""
    harness = make()
    harness.ask("_INBOX.slow", batch=3)
    harness.ask("_INBOX.b", batch=1)
    harness.outlet.congested.add(b"_INBOX.slow")
    harness.publish(3)
    assert [1] == short(harness.outlet.take("_INBOX.b"))
    harness.outlet.congested.clear()
    harness.advance(0.01)
    assert [2, 3] == short(harness.outlet.take("_INBOX.slow"))


def test_a_slow_client_whose_request_ends() -> None:
    """It is not served any more."""
    harness = make()
    harness.ask("_INBOX.slow", expires=10 * MS)
    harness.outlet.congested.add(b"_INBOX.slow")
    harness.publish(1)
    harness.advance(0.1)
    harness.outlet.congested.clear()
    harness.publish(1)
    assert [] == harness.outlet.take("_INBOX.slow")
    assert 0 == harness.count("num_waiting")


def test_many_slow_clients_are_not_all_tried_at_once() -> None:
    """Some per attempt."""
    harness = make()
    for i in range(3 * HELD):
        inbox = f"_INBOX.{i}"
        harness.outlet.congested.add(inbox.encode())
        harness.ask(inbox)
    harness.publish(1)
    harness.outlet.congested.clear()
    harness.advance(0.02)
    assert 1 == len(harness.outlet.take())


def test_many_clients_that_went_are_dropped_in_turns() -> None:
    """The message reaches the one that is left."""
    harness = make(max_waiting=5000)
    harness.outlet.subscribe("gone")
    for _ in range(2 * AT_ONCE + 5):
        harness.consumer.pull(b"", b"gone")
    harness.consumer.pull(b"", b"_INBOX.b")
    harness.outlet.unsubscribe("gone")
    harness.publish(1)
    assert [1] == short(harness.outlet.take("_INBOX.b"))
    assert 0 == harness.count("num_waiting")


def test_many_requests_that_take_what_is_there() -> None:
    """All get their 404, in turns."""
    harness = make(1, max_ack_pending=1, max_waiting=5000)
    (message,) = harness.fetch()
    harness.publish(AT_ONCE + 10)
    for _ in range(AT_ONCE + 6):
        harness.consumer.pull(b'{"no_wait":true}', b"_INBOX.b")
    harness.stream.purge(before=harness.stream.log.last + 1)
    harness.run()
    assert AT_ONCE + 6 == short(harness.outlet.take("_INBOX.b")).count("404 No Messages")
    harness.ack(message)


def test_many_requests_that_expire_together() -> None:
    """All get their 408, in turns."""
    harness = make(max_waiting=5000)
    for _ in range(AT_ONCE + 6):
        harness.consumer.pull(b'{"expires":1000000}', b"_INBOX.b")
    harness.advance(0.002)
    assert ["408 Request Timeout"] * (AT_ONCE + 6) == short(harness.outlet.take("_INBOX.b"))


def test_the_end_of_the_consumer_is_announced() -> None:
    """To all who wait, in turns; nothing is served after it."""
    harness = make(max_waiting=5000)
    for _ in range(AT_ONCE + 7):
        harness.consumer.pull(b"", b"_INBOX.b")
    harness.consumer.delete()
    harness.run()
    assert ["409 Consumer Deleted"] * (AT_ONCE + 7) == short(harness.outlet.take("_INBOX.b"))
    harness.consumer.delete()
    assert [] == harness.ask()
    harness.publish(1)
    harness.advance(1)
    assert 0 == harness.clock.timers_outstanding


# ---- priority groups ----


def group(policy: str, **fields: object) -> Harness:
    """A consumer with the group g."""
    return make(0, priority_policy=policy, priority_groups=["g"], **fields)


def test_lower_priorities_are_served_first() -> None:
    """In turn among equals; a request without one comes last."""
    harness = group("prioritized")
    harness.consumer.pull(b"1", b"_INBOX.number")
    harness.ask("_INBOX.five", batch=2, group="g", priority=5)
    harness.ask("_INBOX.also_five", batch=1, group="g", priority=5)
    harness.ask("_INBOX.two", batch=1, group="g", priority=2)
    harness.publish(6)
    order = [sent.to.split(b".")[1] for sent in harness.outlet.take()]
    assert [b"two", b"five", b"also_five", b"five", b"number"] == order


def test_priorities_count_among_requests_that_come_together() -> None:
    """The first one is not served before the others are known."""
    harness = group("prioritized")
    harness.publish(2)
    for inbox, priority in (("_INBOX.one", 1), ("_INBOX.zero", 0)):
        body = json.dumps({"batch": 2, "group": "g", "priority": priority}).encode()
        harness.consumer.pull(body, inbox.encode())
    harness.run()
    assert [b"_INBOX.zero"] * 2 == [sent.to for sent in harness.outlet.take()]


def test_a_request_must_name_the_group() -> None:
    """Else it is refused."""
    harness = group("overflow")
    assert ["400 Bad Request - Priority Group missing"] == short(harness.ask(batch=1))
    assert ["400 Bad Request - Invalid Priority Group"] == short(harness.ask(batch=1, group="h"))


def test_overflow_waits_for_enough() -> None:
    """Of pending or of unsettled messages; without conditions it is served at once."""
    harness = group("overflow")
    harness.ask("_INBOX.pend", batch=9, group="g", min_pending=3)
    harness.ask("_INBOX.ack", batch=9, group="g", min_ack_pending=2)
    harness.publish(2)
    assert [] == harness.outlet.take()
    assert [1, 2] == short(harness.ask("_INBOX.free", batch=2, group="g"))
    harness.publish(1)
    assert [3] == short(harness.outlet.take("_INBOX.ack"))
    harness = group("overflow")
    harness.ask("_INBOX.pend", batch=9, group="g", min_pending=3)
    harness.publish(4)
    assert [1, 2] == short(harness.outlet.take("_INBOX.pend"))


def test_overflow_is_fair_among_those_that_may() -> None:
    """The one that waits longest is next, whatever its conditions are."""
    harness = group("overflow")
    harness.ask("_INBOX.a", batch=2, group="g")
    harness.ask("_INBOX.b", batch=2, group="g", min_pending=1)
    harness.publish(4)
    assert [b"_INBOX.a", b"_INBOX.b"] * 2 == [sent.to for sent in harness.outlet.take()]


def test_another_priority_policy_goes_on_with_those_who_wait() -> None:
    """By the new rules."""
    harness = group("overflow")
    harness.ask("_INBOX.a", batch=1, group="g", min_pending=1)
    harness.ask("_INBOX.slow", batch=2, group="g")
    harness.outlet.congested.add(b"_INBOX.slow")
    harness.ask("_INBOX.b", batch=1, group="g", min_pending=9)
    harness.publish(1)
    harness.outlet.congested.clear()
    harness.consumer.update(harness.reconfigured(priority_policy="none", priority_groups=[]))
    harness.publish(3)
    assert {b"_INBOX.a", b"_INBOX.b", b"_INBOX.slow"} == {sent.to for sent in harness.outlet.take()}


def pin(sent: Sent) -> str:
    """The pin that a message carries."""
    return sent.headers.split(b"Nats-Pin-Id: ")[1].split(b"\r\n")[0].decode()


def test_one_client_is_served_by_its_pin() -> None:
    """Others wait until it stays away."""
    harness = group("pinned_client", priority_timeout=5 * SECOND)
    harness.ask("_INBOX.a", batch=1, group="g")
    harness.ask("_INBOX.b", batch=5, group="g")
    harness.publish(2)
    (first,) = harness.outlet.take()
    assert b"_INBOX.a" == first.to
    assert [{"group": "g", "pinned_client_id": pin(first), "pinned_ts": "2016-11-24T15:06:40Z"}] == (
        harness.info["priority_groups"]
    )
    assert [2] == short(harness.ask("_INBOX.a", group="g", id=pin(first)))
    assert ["423 Nats-Pin-Id mismatch"] == short(harness.ask("_INBOX.c", group="g", id="other"))
    harness.publish(1)
    harness.advance(4)
    harness.ask("_INBOX.c", group="g", id=pin(first), expires=MS)
    harness.outlet.take()
    harness.advance(4)
    assert [] == harness.outlet.take("_INBOX.b")
    harness.publish(1)
    harness.advance(2)
    assert 1 <= len(harness.outlet.take("_INBOX.b"))
    kinds = [kind for kind, _ in harness.advisories]
    assert "consumer_group_unpinned" in kinds
    assert 2 == kinds.count("consumer_group_pinned")


def test_a_pin_can_be_taken_away() -> None:
    """Requests with the old one end."""
    harness = group("pinned_client")
    harness.ask("_INBOX.a", batch=3, group="g")
    harness.publish(1)
    old = pin(harness.outlet.take()[0])
    harness.consumer.unpin("g")
    assert ("consumer_group_unpinned", "admin") == (
        harness.advisories[-1][0],
        harness.advisories[-1][1]["reason"],
    )
    harness.ask("_INBOX.a", batch=3, group="g", id=old)
    harness.ask("_INBOX.b", batch=3, group="g")
    harness.publish(1)
    assert ["423 Nats-Wrong-Pin-Id"] * 2 == short(harness.outlet.take("_INBOX.a"))
    assert [2] == short(harness.outlet.take("_INBOX.b"))
    harness.consumer.unpin("g")
    harness.consumer.unpin("g")
    assert 2 == sum(kind == "consumer_group_unpinned" for kind, _ in harness.advisories)


def test_no_pin_for_a_message_that_does_not_fit() -> None:
    """The next request gets it."""
    harness = group("pinned_client")
    harness.ask("_INBOX.a", group="g", max_bytes=5)
    harness.consumer.pull(b"1", b"_INBOX.b")
    harness.publish(1)
    assert ["409 Message Size Exceeds MaxBytes"] == short(harness.outlet.take("_INBOX.a"))
    assert [1] == short(harness.outlet.take("_INBOX.b"))


def test_next_requests_come_with_acks() -> None:
    """`+NXT` with a number, an object, or nothing."""
    harness = make(4)
    (message,) = harness.fetch()
    tokens = message.reply.split(b".")[-5:]
    harness.consumer.ack(tokens, b"+NXT", INBOX.encode())
    harness.consumer.ack(tokens, b"+NXT " + json.dumps({"batch": 2}).encode(), INBOX.encode())
    assert [2, 3, 4] == short(harness.outlet.take(INBOX))
    assert 1 == harness.place()[1][1]
    harness.consumer.ack(tokens, b"+NXT", b"")
    assert 0 == harness.count("num_waiting")


def test_a_request_for_what_is_there_that_may_have_nothing() -> None:
    """Its conditions are not met: it is answered at once, and does not wait."""
    harness = Harness()
    harness.publish(3)
    harness.create(priority_policy="overflow", priority_groups=["g"])

    sent = harness.ask(batch=2, min_pending=3, group="g", no_wait=True)
    assert ["", "404 No Messages"] == [each.status for each in sent]
    sent = harness.ask(min_pending=100, group="g", no_wait=True)
    assert ["404 No Messages"] == [each.status for each in sent]
    assert 0 == harness.count("num_waiting")


def test_many_requests_for_what_is_there_that_may_have_nothing() -> None:
    """All of them are answered, in several turns."""
    harness = Harness()
    harness.publish(2 * AT_ONCE)
    harness.create(priority_policy="overflow", priority_groups=["g"], max_waiting=10_000)
    harness.consumer.hold()
    body = b'{"group":"g","no_wait":true,"min_pending":10000}'
    for _ in range(2 * AT_ONCE):
        harness.consumer.pull(body, INBOX.encode())
    harness.consumer.release()
    harness.run()

    assert 2 * AT_ONCE * ["404 No Messages"] == [each.status for each in harness.outlet.take(INBOX)]
