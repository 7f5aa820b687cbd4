"""Unit tests of messages that are stored later (jetstream-streams.md, section 7)."""

import json

import pytest

from app.domain.jetstream.storage.seam import StorageFailure, StoredMessage
from app.domain.jetstream.streams import jobs
from app.domain.jetstream.streams.schedules import Schedules, firing_of
from tests.fakes.stream_host import FakeHost, HeldLog, HeldStorage, Made, block, make

IN_FIVE = "@at 2026-11-18T11:06:45Z"
TARGET = "s.target"


def scheduling(host: FakeHost | None = None, storage: HeldStorage | None = None, **fields: object) -> Made:
    """A stream that takes schedules."""
    given: dict[str, object] = {"allow_msg_schedules": True, "allow_msg_ttl": True}
    return make(host, storage, start=True, **(given | fields))


def plan(
    made: Made, pattern: str = IN_FIVE, subject: str = "s.plan", target: str = TARGET, **more: str
) -> str:
    """Publish a schedule; the answer."""
    headers = {"Nats-Schedule": pattern, "Nats-Schedule-Target": target}
    headers |= {"Nats-" + key.replace("_", "-"): value for key, value in more.items()}
    return made.ask(subject, "later", headers)


def error(answer: str) -> int:
    """The number of a refusal."""
    number = json.loads(answer)["error"]["err_code"]
    assert isinstance(number, int)
    return number


def block_of(made: Made, sequence: int) -> str:
    """The fields of a stored message."""
    message = made.log.read(sequence)
    assert message is not None
    return message.headers.decode().removeprefix("NATS/1.0\r\n").replace("\r\n", "|").rstrip("|")


def test_a_message_is_stored_at_its_time() -> None:
    """The schedule goes in the same step."""
    made = scheduling()
    assert '{"stream":"S","seq":1}' == plan(made)
    assert block_of(made, 1).endswith("|Nats-Rollup: sub")
    made.outlet.clock.advance(4.9)
    assert [1] == made.sequences()
    made.outlet.clock.advance(0.1)

    assert [(2, TARGET, "later")] == made.contents()
    assert "Nats-Scheduler: s.plan|Nats-Schedule-Next: purge" == block_of(made, 2)
    assert 0 == made.outlet.clock.timers_outstanding


def test_a_new_schedule_takes_the_place_of_the_old() -> None:
    """There is one per subject."""
    made = scheduling()
    plan(made)
    plan(made, "@at 2026-11-18T11:06:50Z")
    assert [2] == made.sequences()
    made.outlet.clock.advance(5)
    assert [2] == made.sequences()
    made.outlet.clock.advance(5)

    assert [(3, TARGET, "later")] == made.contents()


def test_a_schedule_may_repeat() -> None:
    """What is stored says when it comes again."""
    made = scheduling()
    plan(made, "@every 10s")
    made.outlet.clock.advance(25)

    assert [(1, "s.plan"), (2, TARGET), (3, TARGET)] == [each[:2] for each in made.contents()]
    assert "Nats-Scheduler: s.plan|Nats-Schedule-Next: 2026-11-18T11:07:00Z" == block_of(made, 2)
    made.purge(b"s.plan")
    made.outlet.clock.advance(60)
    assert 0 == made.outlet.clock.timers_outstanding
    assert 3 == made.log.last


def test_cron_fields_may_have_a_zone() -> None:
    """And predefined patterns as well."""
    made = scheduling()
    assert "error" not in plan(made, "0 30 12 * * *", Schedule_Time_Zone="Europe/Berlin")
    made.outlet.clock.advance(30 * 60)

    assert "Nats-Schedule-Next: 2026-11-19T11:30:00Z" in block_of(made, 2)


def test_a_time_that_passed_is_due_at_once() -> None:
    """A schedule for the past is not forgotten."""
    made = scheduling()
    plan(made, "@at 2020-01-01T00:00:00Z")
    made.outlet.clock.advance(0)

    assert [(2, TARGET, "later")] == made.contents()


def test_the_stored_message_has_its_own_rules() -> None:
    """Its TTL and roll-up come from the schedule, other fields of rules do not; the rest stays."""
    made = scheduling()
    made.ask(TARGET, "old")
    plan(made, Schedule_TTL="5s", Schedule_Rollup="sub", Msg_Id="x", Expected_Stream="S", Other="y")
    made.outlet.clock.advance(5)

    assert [(3, TARGET, "later")] == made.contents()
    fields = "Nats-Scheduler: s.plan|Nats-Schedule-Next: purge|Nats-TTL: 5s|Nats-Rollup: sub"
    assert "Nats-Other: y|" + fields == block_of(made, 3)
    made.outlet.clock.advance(5)
    assert [] == made.sequences()


def test_the_content_may_be_that_of_another_subject() -> None:
    """Its last message is taken; without one the schedule's own."""
    made = scheduling()
    plan(made, "@every 5s", Schedule_Source="s.data")
    made.outlet.clock.advance(5)
    made.ask("s.data", "fresh", {"A": "b"})
    made.outlet.clock.advance(5)

    assert ["later", "later", "fresh", "fresh"] == [payload for _, _, payload in made.contents()]
    assert block_of(made, 4).startswith("A: b|Nats-Scheduler: s.plan|")


@pytest.mark.parametrize(
    ("headers", "number"),
    [
        ({"Schedule": "@at tomorrow"}, 10189),
        ({"Schedule": "@every 10ms"}, 10189),
        ({"Schedule": "@every often"}, 10189),
        ({"Schedule": "* *"}, 10189),
        ({"Schedule": "@every 5s", "Schedule-Time-Zone": "UTC"}, 10189),
        ({"Schedule": "@hourly", "Schedule-Time-Zone": ""}, 10223),
        ({"Schedule": "@hourly", "Schedule-Time-Zone": "../etc/passwd"}, 10223),
        ({"Schedule": "@hourly", "Schedule-Time-Zone": "Nowhere/City"}, 10223),
        ({"Schedule": "@hourly", "Schedule-TTL": "x"}, 10191),
        ({"Schedule": "@hourly", "Schedule-Rollup": "all"}, 10192),
        ({"Schedule": "@hourly", "Rollup": "all"}, 10192),
        ({"Schedule": "@hourly", "Schedule-Target": ""}, 10190),
        ({"Schedule": "@hourly", "Schedule-Target": "s.*"}, 10190),
        ({"Schedule": "@hourly", "Schedule-Target": "s.plan"}, 10190),
        ({"Schedule": "@hourly", "Schedule-Target": "t"}, 10190),
        ({"Schedule": "@hourly", "Schedule-Source": "s.plan"}, 10203),
        ({"Schedule": "@hourly", "Schedule-Source": TARGET}, 10203),
        ({"Schedule": "@hourly", "Schedule-Source": "t"}, 10203),
        ({"Scheduler": "s.x"}, 10212),
        ({"Scheduler": "s.x", "Schedule-Next": "later"}, 10212),
        ({"Schedule-Next": "purge"}, 10212),
        ({"Scheduler": "s.plan", "Schedule-Next": "purge"}, 10212),
        ({"Scheduler": "s.plain", "Schedule-Next": "purge"}, 10212),
    ],
)
def test_what_is_wrong_is_refused(headers: dict[str, str], number: int) -> None:
    """Each rule has its number."""
    made = scheduling()
    made.ask("s.plain")
    fields = {"Schedule-Target": TARGET} if "Schedule" in headers else {}
    fields |= headers

    answer = made.ask("s.plan", "x", {f"Nats-{name}": value for name, value in fields.items()})
    assert number == error(answer)


def test_ordinary_streams_take_no_schedules() -> None:
    """Neither good ones nor bad ones; and TTLs need a stream with TTLs."""
    assert 10188 == error(plan(make()))
    assert 10188 == error(plan(make(), "@at tomorrow"))
    assert 10166 == error(plan(scheduling(allow_msg_ttl=False), Schedule_TTL="5s"))


def test_a_client_may_end_a_schedule() -> None:
    """With a message that names it; one that is not there is no error."""
    made = scheduling()
    plan(made)
    headers = {"Nats-Scheduler": "s.plan", "Nats-Schedule-Next": "purge"}

    assert "error" not in made.ask("s.done", "x", headers)
    assert [2] == made.sequences()
    assert "error" not in made.ask("s.done", "x", headers)


def test_a_stream_by_interest_ends_schedules_too() -> None:
    """Though nobody wants what is stored."""
    made = scheduling(retention="interest")
    assert "error" not in plan(made)
    storage = HeldStorage()
    storage.log.append(b"s.plan", block({"Nats-Schedule": IN_FIVE, "Nats-Schedule-Target": TARGET}), b"", 1)
    host = FakeHost()
    again = make(host, storage, start=False, allow_msg_schedules=True, retention="interest")
    again.ask("s.done", "x", {"Nats-Scheduler": "s.plan", "Nats-Schedule-Next": "purge"})

    assert [] == again.sequences()


def test_schedules_go_on_after_a_restart() -> None:
    """Of several times that passed one is made up for; what is no schedule is passed by."""
    host, storage = FakeHost(), HeldStorage()
    made = scheduling(host, storage)
    plan(made, "@at 2026-11-18T11:07:00Z", "s.once")
    plan(made, "@every 10s", "s.often")
    plan(made, "@hourly", "s.hourly")
    made.stream.close()
    for fields in ({"Nats-Schedule": "bad"}, {"Nats-Other": "x"}):
        storage.log.append(b"s.x", block(fields), b"", storage.log.last_time)
    host.outlet.clock.advance(2 * 3600)
    before = storage.log.last
    again = scheduling(host, storage)
    host.outlet.clock.advance(11)

    stored = [block_of(again, number) for number in range(before + 1, again.log.last + 1)]
    assert ["s.once", "s.often"] == [each.split("|")[0].split(" ")[1] for each in stored]


def test_a_firing_without_room_is_tried_again() -> None:
    """When the server is over its limit, or the storage took it back."""
    made = scheduling()
    plan(made)
    made.host.over_limit = True
    made.outlet.clock.advance(5)
    assert [1] == made.sequences()
    made.host.over_limit = False
    made.log.holds = True
    made.outlet.clock.advance(1)
    assert [2] == made.sequences()
    made.log.let_go(StorageFailure.FULL)
    assert [1] == made.sequences()
    made.log.holds = False
    made.outlet.clock.advance(1)

    assert [(2, TARGET, "later")] == made.contents()
    made.outlet.clock.advance(10)
    assert 2 == made.log.last


def test_broken_schedules_do_nothing() -> None:
    """What cannot be read, or has no target, is passed by when it is due."""
    storage = HeldStorage()
    for fields in ({"Nats-Schedule": "@every 5s"}, {"Nats-Schedule": "0 0 0 30 2 *"}):
        storage.log.append(b"s.x", block(fields), b"", 1)
    host = FakeHost()
    made = scheduling(host, storage)
    plan(made, "@at 2026-11-18T11:06:50Z")
    made.log.damaged.add(3)
    host.outlet.clock.advance(60)

    assert 3 == made.log.last


def test_a_pattern_may_have_no_next_time() -> None:
    """Then it is no schedule any more."""
    fields = {"Nats-Schedule": "0 0 0 30 2 *", "Nats-Schedule-Target": TARGET}

    assert firing_of(StoredMessage(1, 1, b"s.x", block(fields), b""), None, 1, 1) is None


def test_many_schedules_fire_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop is never held."""
    monkeypatch.setattr(jobs, "SLICE", 0.0)
    made = scheduling()
    for number in range(100):
        plan(made, subject=f"s.{number}")
    made.outlet.clock.advance(5)

    assert list(range(101, 201)) == made.sequences()


def test_schedules_are_kept_in_order() -> None:
    """Those of messages that went are dropped before they are due."""
    log = HeldLog()
    made = Schedules(log)
    for sequence in range(1, 1001):
        log.append(b"s", b"", b"", 1, [sequence - 1])
        made.add(sequence, 10**6 - sequence)

    assert len(made) < 100
    made.drop(1000)
    assert made.pop(10**9) is None
    assert made.next_due is None


def test_schedules_may_come_in_batches() -> None:
    """They are checked as single ones are."""
    made = scheduling(allow_atomic=True)
    batch = {"Nats-Batch-Id": "u", "Nats-Batch-Sequence": "1", "Nats-Batch-Commit": "1"}
    more = {key.removeprefix("Nats-").replace("-", "_"): value for key, value in batch.items()}

    assert '{"stream":"S","seq":1,"batch":"u","count":1}' == plan(made, **more)
    made.outlet.clock.advance(5)
    assert 2 == made.log.last
