"""Subscriptions whose rules drop a message."""

from collections.abc import Iterator

import pytest

from app.domain.dataplane.seam import HookedMessage, MakePlane
from app.domain.interest.dropped import dropped
from app.domain.interest.index import SubscriptionIndex
from app.domain.interest.interest import Interest
from app.domain.interest.routing import Routing
from app.domain.permissions.rule_set import Filter
from app.domain.permissions.rules import entry
from app.domain.protocol.commands import Subscribe
from tests.fakes.data_plane import MAX_LINE, MAX_PAYLOAD
from tests.fakes.subscriber import FakeSubscriber

MESSAGE = HookedMessage(b"a", b"", 0, b"")


class Rules:
    """Interest with one who may have all but `a`, and another one without rules."""

    def __init__(self, make_plane: MakePlane) -> None:
        index = SubscriptionIndex()
        routing = Routing(index)
        plane = make_plane(routing, 1, MAX_PAYLOAD, MAX_LINE)
        self.interest = Interest(index, routing, plane)
        self.limited, self.free = FakeSubscriber(plane), FakeSubscriber(plane, number=2)
        rule = Filter((entry("a"),))
        for each, filter_ in ((self.limited, rule), (self.free, None)):
            for sid, subject in enumerate((b"a", b">", b"b")):
                command = Subscribe(subject, None, b"%d" % sid)
                self.interest.subscribe(each, each.station.outbox, command, filter_)

    def found(self, message: HookedMessage = MESSAGE, *, over: bool = False) -> list[bytes]:
        """The patterns of those that are found."""
        return sorted(one.subject for one in dropped(self.interest, message, lambda: over))


class LongSearch:
    """A search that needs two turns."""

    def __init__(self) -> None:
        self.turns: Iterator[object] = iter((None, self))
        self.ends = ()

    def go_on(self) -> object:
        """The answer of the next turn."""
        return next(self.turns)


@pytest.fixture(name="rules")
def _rules(make_plane: MakePlane) -> Rules:
    return Rules(make_plane)


def test_who_must_not_get_it(rules: Rules) -> None:
    """Those with rules that deny the subject; the subject that receivers see counts for nothing."""
    assert [b">", b"a"] == rules.found()
    assert [b">", b"a"] == rules.found(MESSAGE._replace(subject=b"b", to=b"a"))
    assert [] == rules.found(MESSAGE._replace(subject=b"b"))


def test_the_turn_is_over(rules: Rules) -> None:
    """Then nobody is sought any more."""
    assert [] == rules.found(over=True)


@pytest.mark.parametrize("over", [True, False])
def test_a_long_search(rules: Rules, monkeypatch: pytest.MonkeyPatch, *, over: bool) -> None:
    """It goes on while there is time."""
    search = LongSearch()
    monkeypatch.setattr(rules.interest, "search", lambda _subject: search)

    assert [] == rules.found(over=over)
    assert (search if over else None) is next(search.turns, None)


def test_who_has_left(rules: Rules) -> None:
    """Subscriptions that are to be removed are nobody's."""
    rules.limited.is_closed = True

    assert [] == rules.found()
