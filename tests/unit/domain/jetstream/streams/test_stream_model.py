"""A stream against a model: whatever happens, its counts equal a full scan, and its contents the model's."""

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.domain.jetstream.storage.seam import StorageFailure
from tests.fakes.stream_host import SECOND, FakeReader, Made, config, make

SUBJECTS = st.sampled_from(["s.1", "s.2", "s.3", "s.4.x"])
OVERHEAD = 16

LIMITS: dict[str, dict[str, object]] = {
    "open": {},
    "few": {"max_msgs": 5},
    "small": {"max_bytes": 150},
    "subjects": {"max_msgs_per_subject": 2, "max_msgs": 6},
    "new": {"discard": "new", "max_msgs": 6, "max_bytes": 200, "max_msgs_per_subject": 3},
    "aged": {"max_age": 5 * SECOND, "max_bytes": 300},
}


@dataclass
class Expected:
    """A message of the model."""

    subject: str
    payload: str
    time: int
    ends: int = 0


@dataclass
class Counting(FakeReader):
    """A reader that counts what is there by what it hears, as consumers count what is pending."""

    made: Made | None = None
    there: set[int] = field(default_factory=set)

    def stored(self, sequence: int, subject: bytes) -> None:
        """One more."""
        assert subject
        assert sequence not in self.there
        self.there.add(sequence)

    def removed(self, sequence: int, subject: bytes) -> None:
        """One less."""
        assert subject
        self.there.remove(sequence)

    def purged(self, first: int) -> None:
        """Count again, up to what is safe."""
        assert self.made is not None
        self.there = {each for each in self.made.sequences() if first <= each <= self.made.stream.committed}


class StreamMachine(RuleBasedStateMachine):
    """Random publishes, deletes, purges, limits, expiry and failures of the storage."""

    def __init__(self) -> None:
        super().__init__()
        self.limits: dict[str, object] = {}
        self.made = make(allow_rollup_hdrs=True, allow_msg_ttl=True)
        self.reader = Counting("c", made=self.made)
        self.made.stream.add_reader(self.reader)
        self.model: dict[int, Expected] = {}
        self.last = 0

    @property
    def now(self) -> int:
        """The time."""
        return self.made.outlet.wall()

    @rule(name=st.sampled_from(sorted(LIMITS)))
    def change_limits(self, name: str) -> None:
        """Other limits, which hold at once."""
        self.limits = dict(LIMITS[name])
        self.made.stream.update(config(allow_rollup_hdrs=True, allow_msg_ttl=True, **self.limits))
        self.expire()
        self.trim_subjects()
        self.trim()

    @rule(
        subject=SUBJECTS,
        size=st.integers(0, 40),
        rollup=st.sampled_from(["", "", "", "", "sub", "all"]),
        ttl=st.sampled_from([0, 0, 0, 2, 7]),
    )
    def publish(self, subject: str, size: int, rollup: str, ttl: int) -> None:
        """A message, with what it brings along."""
        headers = {"Nats-Rollup": rollup} if rollup else {}
        headers |= {"Nats-TTL": f"{ttl}s"} if ttl else {}
        block_size = sum(len(name) + len(value) + 4 for name, value in headers.items()) + 12
        payload = "x" * size
        answer = self.made.ask(subject, payload, headers or None)
        if "error" in answer:
            assert self.limits.get("discard") == "new"
            return
        self.last += 1
        assert f'"seq":{self.last}' in answer
        if rollup:
            gone = [n for n, each in self.model.items() if rollup == "all" or each.subject == subject]
            for number in gone:
                del self.model[number]
        ends = self.now + ttl * SECOND if ttl else 0
        padding = "h" * block_size if headers else ""
        self.model[self.last] = Expected(subject, payload + padding, self.now, ends)
        self.trim_subjects()
        self.trim()

    @rule(subject=SUBJECTS, count=st.integers(1, 4), failure=st.sampled_from(list(StorageFailure)))
    def fail(self, subject: str, count: int, failure: StorageFailure) -> None:
        """Messages that the storage takes back."""
        self.made.log.holds = True
        for _ in range(count):
            self.made.publish(subject, "y")
        self.made.outlet.clock.run_pending()
        self.made.log.let_go(failure)
        self.made.log.holds = False
        assert count == len([each for each in self.made.outlet.take() if b"error" in each])

    @rule(pick=st.integers(0, 100))
    def delete(self, pick: int) -> None:
        """One of the messages."""
        if self.model:
            number = sorted(self.model)[pick % len(self.model)]
            self.made.stream.delete_message(number)
            del self.model[number]

    @rule(pattern=st.sampled_from(["", "s.1", "s.*", ">", "nosuch"]), keep=st.integers(0, 3))
    def purge(self, pattern: str, keep: int) -> None:
        """All that match, but the newest."""
        found = sorted(n for n, each in self.model.items() if self.matches(pattern, each.subject))
        gone = found[: max(0, len(found) - keep)] if keep else found
        assert len(gone) == self.made.purge(pattern.encode(), 0, keep)
        for number in gone:
            del self.model[number]

    @rule(back=st.integers(-2, 20))
    def purge_below(self, back: int) -> None:
        """All below a sequence; one to come is the next."""
        end = max(1, self.last - back)
        gone = [number for number in self.model if number < end]
        assert len(gone) == self.made.purge(b"", end)
        self.last = max(self.last, end - 1)
        for number in gone:
            del self.model[number]

    @rule(seconds=st.integers(1, 4))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.made.outlet.clock.advance(seconds)
        self.expire()

    @staticmethod
    def matches(pattern: str, subject: str) -> bool:
        """Whether one of the patterns above covers a subject."""
        return pattern in ("", ">", subject) or (pattern == "s.*" and subject.count(".") == 1)

    def expire(self) -> None:
        """What has ended goes."""
        age = self.limits.get("max_age")
        for number, each in list(self.model.items()):
            by_age = isinstance(age, int) and each.time + age <= self.now
            if by_age or 0 < each.ends <= self.now:
                del self.model[number]

    def trim_subjects(self) -> None:
        """The oldest of each subject go."""
        most = self.limits.get("max_msgs_per_subject")
        if isinstance(most, int):
            for subject in {each.subject for each in self.model.values()}:
                found = sorted(n for n, each in self.model.items() if each.subject == subject)
                for number in found[:-most]:
                    del self.model[number]

    def trim(self) -> None:
        """The oldest go."""
        count, size = self.limits.get("max_msgs"), self.limits.get("max_bytes")
        while self.model and (
            (isinstance(count, int) and len(self.model) > count)
            or (isinstance(size, int) and self.size() > size)
        ):
            del self.model[min(self.model)]

    def size(self) -> int:
        """Bytes of all messages."""
        return sum(OVERHEAD + len(each.subject) + len(each.payload) for each in self.model.values())

    @invariant()
    def contents_are_those_of_the_model(self) -> None:
        """Nothing more, nothing less, and in order."""
        expected = [(n, each.subject) for n, each in sorted(self.model.items())]
        assert expected == [(number, subject) for number, subject, _ in self.made.contents()]
        assert self.last == self.made.log.last

    @invariant()
    def counts_equal_a_full_scan(self) -> None:
        """Messages, bytes, first, last, subjects, holes."""
        log = self.made.log
        messages = [each for each in map(log.read, self.made.sequences()) if each is not None]
        numbers = [each.sequence for each in messages]
        first = numbers[0] if numbers else log.last + 1
        subjects: dict[bytes, list[int]] = {}
        for each in messages:
            subjects.setdefault(each.subject, []).append(each.sequence)
        assert len(messages) == log.count
        assert first == log.first
        assert sum(log.size_of(each.subject, each.headers, each.payload) for each in messages) == log.size
        assert {name: (held[0], held[-1], len(held)) for name, held in subjects.items()} == {
            name: tuple(state) for name, state in log.subjects()
        }
        assert [n for n in range(first, log.last + 1) if n not in set(numbers)] == log.holes()

    @invariant()
    def readers_counted_the_same(self) -> None:
        """What a consumer counts by hearing is what is there."""
        assert set(self.made.sequences()) == self.reader.there


TestStream = StreamMachine.TestCase
TestStream.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_each_set_of_limits_is_a_configuration(name: str) -> None:
    """The machine uses configurations that the rules allow."""
    assert config(**LIMITS[name]).name == "S"
