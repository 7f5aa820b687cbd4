"""Who gets which message, compared with a model that is too slow to be wrong.

Several clients subscribe and unsubscribe, alone and in groups, with limits and
wildcards, come and go, and publish on few subjects again and again, so that
each cache between a PUB and its receivers is filled, used and made wrong.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane.seam import MakePlane
from app.domain.subjects.changes import REMEMBERED
from tests.support.broker_stats import stats_of
from tests.support.examples import examples
from tests.support.virtual_broker import VirtualBroker, VirtualClient

CLIENTS = 3
LITERALS = [b"a", b"b", b"a.b", b"a.c", b"b.b", b"a.b.c", b"a.b.d", b"b.b.c.d", b"k.1", b"k.2"]
PATTERNS = [*LITERALS, b"*", b">", b"a.*", b"*.b", b"a.>", b"*.*", b"a.*.c", b"*.b.>", b"a.b.*", b"k.>"]
ODD = [b"*", b"a.*", b">", b"a.", b".a", b"a..b", b"a.>"]
INVALID = b"-ERR 'Invalid Subject'\r\n"
MESSAGE = re.compile(rb"MSG (\S+) (\S+) (\d+)\r\n(\d+)\r\n")
SPELLINGS = [b"PUB %b %d\r\n%b\r\n", b"PUB %b 0%d\r\n%b\r\n", b"pub  %b\t%d\n%b\r\n"]


@dataclass(frozen=True)
class Sub:
    """Subscribe."""

    pattern: bytes
    queue: bytes
    sid: bytes


@dataclass(frozen=True)
class Unsub:
    """Unsubscribe, now or after a number of messages."""

    sid: bytes
    limit: int


@dataclass(frozen=True)
class Pub:
    """Publish a number of messages on one subject."""

    subject: bytes
    times: int
    spelling: bytes


@dataclass(frozen=True)
class Mode:
    """Be pedantic, or not."""

    pedantic: bool


@dataclass(frozen=True)
class Storm:
    """Subscribe to a wildcard and unsubscribe, so often that all older changes are forgotten."""

    times: int


@dataclass(frozen=True)
class Leave:
    """End the link; somebody else takes the place."""


Operation = Sub | Unsub | Pub | Mode | Storm | Leave

SIDS = st.sampled_from([b"1", b"2", b"3", b"4"])
OPERATIONS = st.one_of(
    st.builds(Sub, st.sampled_from(PATTERNS), st.sampled_from([b"", b"", b"q", b"r"]), SIDS),
    st.builds(Unsub, SIDS, st.sampled_from([0, 0, 1, 2, 3, 5])),
    st.builds(
        Pub, st.sampled_from([*LITERALS, *LITERALS, *ODD]), st.integers(1, 4), st.sampled_from(SPELLINGS)
    ),
    st.builds(Mode, st.booleans()),
    st.builds(Storm, st.sampled_from([1, REMEMBERED // 2, REMEMBERED // 2 + 1])),
    st.just(Leave()),
)
READS = st.lists(st.tuples(st.integers(0, CLIENTS - 1), st.lists(OPERATIONS, max_size=6)), max_size=14)
"""What happens: who sends which operations in one read."""

RELATED = [b"a.b.c", b"a.b.d", b"a.c.d", b"b.b.c"]
RELATED_PATTERNS = [*RELATED, b"a.>", b"a.*.*", b"*.b.*", b"*.*.*", b"a.b.*"]
FEW_OPERATIONS = st.one_of(
    st.builds(Sub, st.sampled_from(RELATED_PATTERNS), st.just(b""), SIDS),
    st.builds(Unsub, SIDS, st.just(0)),
    st.builds(Pub, st.sampled_from(RELATED), st.just(1), st.just(SPELLINGS[0])),
    st.builds(Pub, st.sampled_from(RELATED), st.just(1), st.just(SPELLINGS[0])),
)
"""Operations on subjects that the current patterns may or may not distinguish."""


def covers(pattern: bytes, subject: bytes) -> bool:
    """Whether a pattern covers a published subject, by going through the tokens one by one."""
    wanted, tokens = pattern.split(b"."), subject.split(b".")
    if b"" in tokens:
        return False
    for i, token in enumerate(wanted):
        if token == b">":
            return len(tokens) > i
        if i >= len(tokens) or token not in (b"*", tokens[i]):
            return False
    return len(wanted) == len(tokens)


def literal(subject: bytes) -> bool:
    """Whether a pedantic client may publish on it."""
    return not {b"", b"*", b">"} & set(subject.split(b"."))


@dataclass
class ModelSubscription:
    """What the model knows of a subscription."""

    pattern: bytes
    queue: bytes
    delivered: int = 0
    limit: int = 0


@dataclass
class ModelClient:
    """What the model knows of a client."""

    pedantic: bool = False
    subscriptions: dict[bytes, ModelSubscription] = field(default_factory=dict)


Place = tuple[int, bytes]
"""A client and a sid."""


class Model:
    """The rules of subjects-and-routing.md, one by one, without a cache."""

    def __init__(self) -> None:
        self.clients = [ModelClient() for _ in range(CLIENTS)]

    def obey(self, sender: int, operation: Operation) -> None:
        """Take note of anything but a message."""
        client = self.clients[sender]
        match operation:
            case Sub(pattern, queue, sid):
                client.subscriptions.setdefault(sid, ModelSubscription(pattern, queue))
            case Unsub(sid, limit):
                subscription = client.subscriptions.get(sid)
                if subscription is not None and limit > subscription.delivered:
                    subscription.limit = limit
                else:
                    client.subscriptions.pop(sid, None)
            case Mode(pedantic):
                client.pedantic = pedantic
            case Leave():
                self.clients[sender] = ModelClient()

    def check(self, subject: bytes, got: list[Place]) -> None:
        """See that a message went where it had to go, and take note of where that was."""
        plain: list[Place] = []
        groups: dict[bytes, list[Place]] = {}
        for place, subscription in self._places():
            if covers(subscription.pattern, subject):
                (groups.setdefault(subscription.queue, []) if subscription.queue else plain).append(place)
        chosen = [place for place in got if place not in plain]
        assert Counter(plain) == Counter(place for place in got if place in plain)
        assert len(groups) == len(chosen)
        for members in groups.values():
            assert 1 == sum(place in members for place in chosen)
        for place in got:
            self._deliver(*place)

    def _places(self) -> Iterator[tuple[Place, ModelSubscription]]:
        for number, client in enumerate(self.clients):
            for sid, subscription in client.subscriptions.items():
                yield (number, sid), subscription

    def _deliver(self, number: int, sid: bytes) -> None:
        subscription = self.clients[number].subscriptions[sid]
        subscription.delivered += 1
        if subscription.delivered == subscription.limit:
            del self.clients[number].subscriptions[sid]


class Trial:
    """A broker and the model of it, doing the same."""

    def __init__(self, make_plane: MakePlane) -> None:
        self.server = VirtualBroker(make_plane)
        self.model = Model()
        self.clients: list[VirtualClient] = [self.server.connect(quiet=True) for _ in range(CLIENTS)]
        self.published = 0

    def check_read(self, sender: int, operations: list[Operation]) -> None:
        """Do the operations in one read, and compare."""
        first = self.published
        self.clients[sender].send(b"".join(map(self._spell, operations)))
        heard = [client.heard() for client in self.clients]
        got: dict[int, list[Place]] = {}
        for number, data in enumerate(heard):
            for _, sid, _, payload in MESSAGE.findall(data):
                got.setdefault(int(payload), []).append((number, sid))
        refused = 0
        number = first
        for operation in operations:
            if isinstance(operation, Pub):
                for _ in range(operation.times):
                    if self.model.clients[sender].pedantic and not literal(operation.subject):
                        refused += 1
                    else:
                        self.model.check(operation.subject, got.pop(number, []))
                    number += 1
            else:
                self.model.obey(sender, operation)
        assert {} == got
        assert refused * INVALID == MESSAGE.sub(b"", heard[sender])
        if Leave() in operations:
            self._replace(sender)

    def _spell(self, operation: Operation) -> bytes:
        match operation:
            case Sub(pattern, queue, sid):
                return b"SUB %b %b %b\r\n" % (pattern, queue, sid)
            case Unsub(sid, limit):
                return b"UNSUB %b %d\r\n" % (sid, limit) if limit else b"UNSUB %b\r\n" % sid
            case Pub():
                return b"".join(self._spell_message(operation) for _ in range(operation.times))
            case Mode(pedantic):
                return b'CONNECT {"pedantic":%b}\r\n' % (b"true" if pedantic else b"false")
            case Storm(times):
                return times * b"SUB storm.* storm\r\nUNSUB storm\r\n"
        return b""

    def _spell_message(self, operation: Pub) -> bytes:
        """Each message carries its number."""
        payload = b"%d" % self.published
        self.published += 1
        return operation.spelling % (operation.subject, len(payload), payload)

    def _replace(self, sender: int) -> None:
        self.clients[sender].leave()
        self.server.clients.remove(self.clients[sender])
        self.clients[sender] = self.server.connect(quiet=True)


def before_leaving(operations: list[Operation]) -> list[Operation]:
    """The operations up to the first Leave, which can only be the last."""
    if Leave() not in operations:
        return operations
    return operations[: operations.index(Leave()) + 1]


@examples(2)
@given(reads=READS)
def test_deliveries_are_those_of_the_model(
    make_plane: MakePlane, reads: list[tuple[int, list[Operation]]]
) -> None:
    """After whatever happened, a message goes where a fresh look at all subscriptions would send it."""
    trial = Trial(make_plane)

    for sender, operations in reads:
        trial.check_read(sender, before_leaving(operations))


@examples(2)
@given(operations=st.lists(FEW_OPERATIONS, min_size=5, max_size=30))
def test_subjects_that_share_plans(make_plane: MakePlane, operations: list[Operation]) -> None:
    """Subjects share a plan only while no subscription distinguishes them."""
    trial = Trial(make_plane)

    for operation in operations:
        trial.check_read(0, [operation])


@given(reads=READS)
def test_the_figures_add_up(make_plane: MakePlane, reads: list[tuple[int, list[Operation]]]) -> None:
    """The index holds what the model holds, and counts as many removes as are missing."""
    trial = Trial(make_plane)

    for sender, operations in reads:
        trial.check_read(sender, before_leaving(operations))

    stats = stats_of(trial.server.broker)
    live = sum(len(client.subscriptions) for client in trial.model.clients)
    assert live == stats.subscriptions.num_subscriptions
    assert live == stats.subscriptions.num_inserts - stats.subscriptions.num_removes
    assert trial.published == stats.traffic.in_msgs
