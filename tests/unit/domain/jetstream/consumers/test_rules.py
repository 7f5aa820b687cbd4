"""Unit tests of what a consumer's configuration may say."""

from dataclasses import replace

import pytest

from app.domain.jetstream.consumers.config import ConsumerConfig, parse_consumer_config
from app.domain.jetstream.consumers.rules import (
    ServerLimits,
    check_update,
    check_work_queue,
    checked,
    is_safe_name,
)
from app.domain.jetstream.errors import JetStreamError
from app.domain.jetstream.streams.config import ConsumerLimits, StreamConfig

STREAM = StreamConfig(name="S", subjects=("s.>",))
WORK = StreamConfig(name="S", subjects=("s.>",), retention="workqueue")
SECOND = 10**9


def make(**fields: object) -> ConsumerConfig:
    """A configuration as parsed."""
    return parse_consumer_config(fields)


def refused(
    config: ConsumerConfig,
    stream: StreamConfig = STREAM,
    caps: ServerLimits | None = None,
    *,
    pedantic: bool = False,
) -> str:
    """The number and text of the refusal."""
    with pytest.raises(JetStreamError) as caught:
        checked(config, stream, caps, pedantic=pedantic)
    return f"{caught.value.number} {caught.value.description}"


def test_a_pull_consumer_gets_its_defaults() -> None:
    """Those of the table, for explicit acks."""
    config = checked(make(durable_name="D", ack_policy="explicit"), STREAM)
    assert ("D", 30 * SECOND, -1, 512, 1000, 0) == (
        config.name,
        config.ack_wait,
        config.max_deliver,
        config.max_waiting,
        config.max_ack_pending,
        config.inactive_threshold,
    )


def test_an_ephemeral_without_acks() -> None:
    """It ends after five seconds, and nothing limits what is not acknowledged."""
    config = checked(make(), STREAM)
    assert (5 * SECOND, 0, 0) == (config.inactive_threshold, config.ack_wait, config.max_ack_pending)


def test_a_push_consumer_waits_for_no_requests() -> None:
    """No `max_waiting`; an ack wait without acks is accepted."""
    config = checked(make(deliver_subject="d", ack_wait=7), STREAM)
    assert (0, 7) == (config.max_waiting, config.ack_wait)


def test_backoff_sets_the_ack_wait() -> None:
    """Its first entry."""
    for wait in (3, 9):
        config = make(ack_policy="explicit", ack_wait=wait, backoff=[3, 4])
        assert 3 == checked(config, STREAM).ack_wait


def test_negative_counts_are_none() -> None:
    """As the real server has it."""
    config = checked(
        make(ack_policy="all", max_deliver=-5, max_ack_pending=-7, max_waiting=-1, max_batch=-1), STREAM
    )
    assert (-1, -1, 512, 0) == (
        config.max_deliver,
        config.max_ack_pending,
        config.max_waiting,
        config.max_batch,
    )


def test_limits_of_the_stream_are_defaults_and_caps() -> None:
    """10121 and 10153 beyond them."""
    limits = ConsumerLimits(inactive_threshold=SECOND, max_ack_pending=10)
    stream = replace(STREAM, consumer_limits=limits)
    config = checked(make(ack_policy="explicit"), stream)
    assert (SECOND, 10) == (config.inactive_threshold, config.max_ack_pending)
    assert refused(make(ack_policy="explicit", max_ack_pending=11), stream).startswith("10121 ")
    assert "10153 consumer inactive threshold exceeds system limit of 1s" == refused(
        make(ack_policy="explicit", inactive_threshold=2 * SECOND), stream
    )


def test_caps_of_server_and_account() -> None:
    """They lower defaults, and refuse what is beyond them."""
    caps = ServerLimits(max_ack_pending=50, max_request_batch=10, account_max_ack_pending=40)
    config = checked(make(ack_policy="explicit"), STREAM, caps)
    assert (40, 10) == (config.max_ack_pending, config.max_batch)
    assert "10121 consumer max ack pending exceeds system limit of 50" == refused(
        make(ack_policy="explicit", max_ack_pending=51), caps=caps
    )
    assert refused(make(ack_policy="explicit", max_ack_pending=41), caps=caps).startswith("10121 ")
    assert "10125 consumer max request batch exceeds server limit of 10" == refused(
        make(max_batch=11), caps=caps
    )


def test_a_pinned_group_has_a_timeout() -> None:
    """Two minutes."""
    config = checked(make(priority_policy="pinned_client", priority_groups=["a"]), STREAM)
    assert 120 * SECOND == config.priority_timeout


PUSH = {"deliver_subject": "d"}

FLOW = {"ack_policy": "flow_control", "deliver_subject": "d"}
REFUSALS: list[tuple[dict[str, object], str]] = [
    ({"name": "a.b"}, "10052 consumer name can not contain '.', '*', '>', '\\', '/'"),
    ({"durable_name": "a b"}, "10052 consumer durable name can not contain '.', '*', '>', '\\', '/'"),
    ({"name": "x" * 256}, "10102 consumer name is too long, maximum allowed is 255"),
    ({"name": "a", "durable_name": "b"}, "10132 "),
    ({"num_replicas": 3}, "10074 "),
    ({"num_replicas": -1}, "10133 "),
    ({"ack_policy": "flow_control"}, "10218 "),
    (FLOW | {"ack_wait": 1}, "10221 "),
    (FLOW | {"backoff": [1]}, "10221 "),
    (FLOW | {"max_deliver": 1}, "10222 "),
    (FLOW | {"max_ack_pending": -1}, "10220 "),
    ({"backoff": [-1]}, "10184 "),
    ({"ack_wait": -1}, "10183 "),
    ({"backoff": [1, 2], "max_deliver": 1}, "10116 "),
    ({"description": "x" * 4097}, "10107 consumer description is too long, maximum allowed is 4096"),
    ({"deliver_subject": "d.*"}, "10079 "),
    ({"deliver_subject": "d..e"}, "10112 "),
    ({"deliver_subject": "s.x"}, "10081 "),
    (PUSH | {"max_waiting": 1}, "10080 "),
    (PUSH | {"max_ack_pending": 1}, "10082 "),
    (PUSH | {"idle_heartbeat": 10**7}, "10083 "),
    (PUSH | {"flow_control": True}, "10108 "),
    ({"rate_limit_bps": 1}, "10086 "),
    ({"idle_heartbeat": SECOND}, "10088 "),
    ({"flow_control": True}, "10089 "),
    ({"max_expires": 10}, "10115 "),
    ({"direct": True}, "10090 "),
    (PUSH | {"direct": True, "durable_name": "D"}, "10091 "),
    ({"sourcing": True}, "10185 "),
    ({"filter_subject": "a", "filter_subjects": ["b"]}, "10136 "),
    ({"filter_subjects": ["a", ""]}, "10139 "),
    ({"filter_subject": "a..b"}, "10052 invalid subject"),
    ({"filter_subjects": ["a.>", "a.b"]}, "10138 "),
    ({"filter_subjects": [f"{i}.*.*.*" for i in range(9)] + ["*.*.*.*.a"] * 2}, "10138 "),
    (
        {"deliver_policy": "all", "opt_start_seq": 1},
        "10094 consumer delivery policy is deliver all, but optional start sequence is also set",
    ),
    ({"deliver_policy": "last", "opt_start_time": "2026-01-01T00:00:00Z"}, "10094 "),
    (
        {"deliver_policy": "by_start_sequence"},
        "10094 consumer delivery policy is deliver by start sequence, but optional start sequence is not set",
    ),
    ({"deliver_policy": "by_start_time"}, "10094 "),
    (
        {"deliver_policy": "by_start_time", "opt_start_seq": 1, "opt_start_time": "2026-01-01T00:00:00Z"},
        "10094 consumer delivery policy is deliver by start time, but optional start start sequence",
    ),
    (
        {"deliver_policy": "last_per_subject"},
        "10094 consumer delivery policy is deliver last per subject, but optional filter subject is not set",
    ),
    ({"sample_freq": "often"}, "10095 "),
    ({"sample_freq": "-1"}, "10095 failed to parse consumer sampling configuration: <nil>"),
    ({"sample_freq": "9" * 20}, "10095 "),
    ({"metadata": {"k": "v" * 131072}}, "10135 consumer metadata exceeds maximum size of 128KB"),
    ({"priority_groups": ["g"]}, "10196 "),
    ({"priority_timeout": 1}, "10197 "),
    (PUSH | {"priority_policy": "overflow", "priority_groups": ["g"]}, "10178 "),
    ({"priority_policy": "overflow"}, "10159 "),
    ({"priority_policy": "overflow", "priority_groups": [""]}, "10161 "),
    ({"priority_policy": "overflow", "priority_groups": ["white space"]}, "10162 "),
]


@pytest.mark.parametrize(("fields", "words"), REFUSALS)
def test_refusals(fields: dict[str, object], words: str) -> None:
    """Each rule has its number and text."""
    assert refused(make(**fields)).startswith(words)


def test_filters_that_are_too_many_to_compare() -> None:
    """Comparing them would hold the server."""
    filters = [f"*.*.{'*.' * 12}{i}" for i in range(20000)]
    assert refused(make(filter_subjects=filters)).startswith("10012 these subject filters are too many")


PEDANTIC: list[tuple[dict[str, object], str]] = [
    ({"max_deliver": -2}, "max_deliver must be set to -1"),
    ({"max_ack_pending": -2}, "max_ack_pending must be set to -1"),
    ({"max_waiting": -2}, "max_waiting must not be negative"),
    ({"backoff": [2]}, "first backoff value has to equal batch AckWait"),
]


@pytest.mark.parametrize(("fields", "words"), PEDANTIC)
def test_pedantic_requests_want_no_corrections(fields: dict[str, object], words: str) -> None:
    """10157 says which."""
    assert f"10157 pedantic mode: {words}" == refused(make(**fields), pedantic=True)


def test_pedantic_requests_know_the_limits() -> None:
    """What limits would set has to be set."""
    limits = ConsumerLimits(max_ack_pending=10)
    stream = replace(STREAM, consumer_limits=limits)
    assert "configured in stream limits" in refused(make(), stream, pedantic=True)
    stream = replace(STREAM, consumer_limits=ConsumerLimits(inactive_threshold=10))
    assert "configured in stream limits" in refused(make(), stream, pedantic=True)
    caps = ServerLimits(max_request_batch=5)
    assert "max_request_batch must be set" in refused(make(), caps=caps, pedantic=True)
    assert -1 == checked(make(), STREAM, pedantic=True).max_deliver


def test_no_more_replicas_than_the_stream() -> None:
    """10126."""
    assert refused(make(num_replicas=1), replace(STREAM, num_replicas=0)).startswith("10126 ")


def test_names() -> None:
    """Most signs are allowed."""
    assert [True, True, False, False] == [is_safe_name(n) for n in ("a-b_c", 'ü%"', "", "a>")]


def test_a_work_queue_wants_acks() -> None:
    """From a pull consumer 10084, else 10098; and all messages."""
    assert refused(make(), WORK).startswith("10084 ")
    for fields, number in (({"ack_policy": "all"}, 10098), ({"deliver_policy": "new"}, 10101)):
        with pytest.raises(JetStreamError) as caught:
            check_work_queue(make(**({"ack_policy": "explicit"} | fields)), [])
        assert number == caught.value.number


@pytest.mark.parametrize(
    ("mine", "other", "number"),
    [([], ["s.a"], 10099), (["s.a"], [], 10100), (["s.*"], ["s.a"], 10100), (["s.a"], ["s.b"], 0)],
)
def test_a_message_of_a_work_queue_goes_to_one_consumer(
    mine: list[str], other: list[str], number: int
) -> None:
    """Filters of two consumers must not meet."""
    config = make(ack_policy="explicit", filter_subjects=mine)
    others = [make(ack_policy="explicit", filter_subjects=other)]
    if not number:
        check_work_queue(config, others)
        return
    with pytest.raises(JetStreamError) as caught:
        check_work_queue(config, others, is_new=False)
    assert number == caught.value.number


def test_filters_of_a_work_queue_that_nobody_can_compare() -> None:
    """They count as filters that meet."""
    config = make(ack_policy="explicit", filter_subjects=[f"a{n}.b" for n in range(900)])
    others = [make(ack_policy="explicit", filter_subjects=[f"*.{n}" for n in range(900)])]
    with pytest.raises(JetStreamError) as caught:
        check_work_queue(config, others)
    assert caught.value.number == 10100


UPDATES: list[tuple[dict[str, object], str]] = [
    ({"deliver_policy": "new"}, "deliver policy can not be updated"),
    ({"ack_policy": "all"}, "ack policy can not be updated"),
    ({"replay_policy": "original"}, "replay policy can not be updated"),
    ({"mem_storage": True}, "storage type can not be updated"),
    ({"opt_start_seq": 3}, "start sequence can not be updated"),
    ({"opt_start_time": "2026-01-01T00:00:00Z"}, "start time can not be updated"),
    ({"idle_heartbeat": SECOND}, "heart beats can not be updated"),
    ({"flow_control": True}, "flow control can not be updated"),
    ({"max_waiting": 3}, "max waiting can not be updated"),
    ({"deliver_subject": "d"}, "can not update pull consumer to push based"),
]


@pytest.mark.parametrize(("fields", "words"), UPDATES)
def test_what_an_update_may_not_change(fields: dict[str, object], words: str) -> None:
    """10012 says which."""
    with pytest.raises(JetStreamError) as caught:
        check_update(make(), make(**fields), is_bound=False)
    assert (10012, words) == (caught.value.number, caught.value.description)


def test_the_deliver_subject_changes_while_nobody_listens() -> None:
    """Else 10013; and it cannot go."""
    old, new = make(deliver_subject="d"), make(deliver_subject="e")
    check_update(old, new, is_bound=False)
    with pytest.raises(JetStreamError) as caught:
        check_update(old, new, is_bound=True)
    assert 10013 == caught.value.number
    with pytest.raises(JetStreamError) as caught:
        check_update(old, make(), is_bound=False)
    assert "can not update push consumer to pull based" == caught.value.description


def test_flow_control_that_acknowledges() -> None:
    """It has the heartbeats of servers, whatever was asked for; a pedantic request has to ask for them."""
    made = checked(make(**FLOW, idle_heartbeat=5 * SECOND), STREAM)
    assert (True, SECOND, 0, -1) == (made.flow_control, made.idle_heartbeat, made.ack_wait, made.max_deliver)
    assert 1000 == made.max_ack_pending
    assert made == checked(make(**FLOW, flow_control=True, idle_heartbeat=SECOND), STREAM, pedantic=True)
    assert refused(make(**FLOW), pedantic=True).startswith("10219 ")
    text = "10052 flow control ack policy heartbeat needs to be 1s"
    assert text == refused(make(**FLOW, flow_control=True), pedantic=True)
    check_work_queue(made, [])
