"""Kinds of subjects: one plan for all that begin alike and are decided alike."""

import pytest

from app.domain.dataplane.constants import DEEPEST_KIND
from app.domain.subjects.changes import REMEMBERED
from tests.fakes.data_plane import Stage, Station


def publish(*subjects: bytes) -> bytes:
    """An empty PUB on each subject."""
    return b"".join(b"PUB %b 0\r\n\r\n" % subject for subject in subjects)


def questions(stage: Stage) -> list[bytes]:
    """The subjects that the planner was asked about since the last call."""
    asked = [subject for _, subject in stage.planner.asked]
    stage.planner.asked.clear()
    return asked


def decide(stage: Stage, tokens: int) -> None:
    """Let that number of leading tokens decide for all subjects that have as many and hold no sign."""

    def answer(subject: bytes) -> int:
        parts = subject.split(b".")
        plain = not {b"", b"*", b">"} & set(parts)
        return min(tokens, len(parts)) if plain else len(parts)

    stage.planner.decide = answer


def test_one_plan_for_a_kind(stage: Stage, station: Station) -> None:
    """Subjects with the same decisive tokens and as many tokens are asked about once."""
    decide(stage, 1)

    station.feed(publish(b"a.1", b"a.2", b"b.1", b"a.3", b"b.2", b"a.1.1", b"a.1.2", b"a", b"a.1"))

    assert [b"a.1", b"b.1", b"a.1.1", b"a"] == questions(stage)
    assert 5 == stage.plane.plan_hits


def test_nothing_decides(stage: Stage, station: Station) -> None:
    """Where no token decides, the number of tokens does."""
    decide(stage, 0)

    station.feed(publish(b"a", b"b", b"a.1", b"b.2", b"a.1.2"))

    assert [b"a", b"a.1", b"a.1.2"] == questions(stage)


def test_one_plan_delivers_each_subject(stage: Stage, station: Station) -> None:
    """A receiver of a kind of subjects gets each message under its own subject."""
    decide(stage, 1)
    stage.planner.listeners[b"a.1"] = ((station.target(b"7"),), ())

    station.feed(publish(b"a.1", b"a.2", b"a.", b"a.*", b"a.>", b"b.1", b"a.3"))

    assert (
        b"".join(b"MSG %b 7 0\r\n\r\n" % subject for subject in (b"a.1", b"a.2", b"a.3")) == station.heard()
    )
    assert [b"a.1", b"a.", b"a.*", b"a.>", b"b.1"] == questions(stage)


@pytest.mark.parametrize("odd", [b"a.", b".a", b"a.*", b"a.>", b"*.a", b"."])
def test_odd_subjects_are_decided_for_themselves(stage: Stage, station: Station, odd: bytes) -> None:
    """A subject with an empty token or a wildcard belongs to no kind, though it begins like one."""
    decide(stage, 0)

    station.feed(publish(b"a.b", odd, b"a.c", odd))

    assert [b"a.b", odd] == questions(stage)


def test_audiences_share_a_kind(stage: Stage, station: Station) -> None:
    """Each audience has its own plan for the same kind."""
    decide(stage, 1)

    for subject in (b"a.1", b"a.2"):
        for audience in (0, 1):
            station.inlet.audience = audience
            station.feed(publish(subject))

    assert [(0, b"a.1"), (1, b"a.1")] == stage.planner.asked


def test_kinds_of_several_depths(stage: Stage, station: Station) -> None:
    """The same number of tokens may be decided early here and late there."""
    depths = {b"a": 1, b"b": 2, b"c": 3}
    stage.planner.decide = lambda subject: depths[subject[:1]]

    station.feed(publish(b"a.1.1", b"b.1.1", b"c.1.1", b"a.2.2", b"b.1.2", b"b.2.1", b"c.1.2", b"c.1.1"))

    assert [b"a.1.1", b"b.1.1", b"c.1.1", b"b.2.1", b"c.1.2"] == questions(stage)


def test_large_audiences(stage: Stage, station: Station) -> None:
    """The number of an audience may be as large as years of new ones make it."""
    other = stage.station()
    other.inlet.audience = 5 << 40
    decide(stage, 1)

    for each in (station, other, station, other):
        each.feed(publish(b"a.1", b"a.2"))

    assert [(0, b"a.1"), (5 << 40, b"a.1")] == stage.planner.asked


def test_the_narrower_kind_comes_later(stage: Stage, station: Station) -> None:
    """A plan for one subject does not serve its kind, whichever is made first."""
    other = stage.station()
    other.inlet.audience = 4
    asked = stage.planner.asked

    decide(stage, 1)
    station.feed(publish(b"a.1"))
    decide(stage, 2)
    other.feed(publish(b"a.1", b"a.2"))
    decide(stage, 1)
    station.feed(publish(b"a.3"))
    other.feed(publish(b"a.1", b"a.2"))

    assert [(0, b"a.1"), (4, b"a.1"), (4, b"a.2")] == asked


@pytest.mark.parametrize(
    ("changed", "forgotten"),
    [
        (b"a.1", [b"a.2"]),
        (b"a.9", [b"a.2"]),
        (b"a", []),
        (b"a.1.1", [b"a.1.2"]),
        (b"c.1", []),
        (b"a.*", [b"a.2"]),
        (b"*.9", [b"a.2", b"b.2"]),
        (b"*.9.>", [b"a.1.2"]),
        (b"a.>", [b"a.2", b"a.1.2"]),
        (b"*.*", [b"a.2", b"b.2"]),
        (b"b.*", [b"b.2"]),
        (b">", [b"a.2", b"b.2", b"a.1.2"]),
        (b"c.*", []),
        (b"a.1.1.>", []),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else "",
)
def test_changes_concern_kinds(
    stage: Stage, station: Station, changed: bytes, forgotten: list[bytes]
) -> None:
    """A change that may concern one subject of a kind makes the plan for the kind be asked for again."""
    decide(stage, 1)
    station.feed(publish(b"a.1", b"b.1", b"a.1.1"))
    questions(stage)

    stage.plane.changed(changed)
    station.feed(publish(b"a.2", b"b.2", b"a.1.2", b"a.3", b"b.3", b"a.1.3"))

    assert forgotten == questions(stage)


def test_a_kind_falls_apart(stage: Stage, station: Station) -> None:
    """When one more token begins to decide, each subject is looked at again."""
    decide(stage, 1)
    station.feed(publish(b"a.1", b"a.2"))
    questions(stage)

    decide(stage, 2)
    stage.subscribe(b"a.2", station.target(b"7"))
    station.feed(publish(b"a.1", b"a.2", b"a.3", b"a.2"))

    assert [b"a.1", b"a.2", b"a.3"] == questions(stage)
    assert 2 * b"MSG a.2 7 0\r\n\r\n" == station.heard()


def test_a_kind_comes_together_again(stage: Stage, station: Station) -> None:
    """When a token decides no more, plans of the old kinds stay right for as long as they are kept."""
    decide(stage, 2)
    station.feed(publish(b"a.1", b"a.2"))
    questions(stage)

    decide(stage, 1)
    stage.plane.changed(b"a.1")
    station.feed(publish(b"a.1", b"a.2", b"a.3", b"a.4"))

    assert [b"a.1"] == questions(stage)


def test_deep_decisions_are_for_one_subject(stage: Stage, station: Station) -> None:
    """Beyond a depth, each subject has a plan of its own."""
    decide(stage, DEEPEST_KIND - 1)
    stem = b".".join([b"x"] * (DEEPEST_KIND - 1))
    station.feed(publish(stem + b".1", stem + b".2"))
    shallow = questions(stage)

    decide(stage, DEEPEST_KIND)
    stem += b".y"
    station.feed(publish(stem + b".1", stem + b".2", stem + b".1"))

    assert ([b"x." * (DEEPEST_KIND - 1) + b"1"], [stem + b".1", stem + b".2"]) == (shallow, questions(stage))


def test_many_changes_forget_kinds_too(stage: Stage, station: Station) -> None:
    """A kind that missed more changes than are remembered is asked about again."""
    decide(stage, 1)
    station.feed(publish(b"a.1"))
    questions(stage)

    for _ in range(REMEMBERED + 1):
        stage.plane.changed(b"b.*")
    station.feed(publish(b"a.2", b"a.3"))

    assert [b"a.2"] == questions(stage)


def test_forgetting_all_forgets_kinds(stage: Stage, station: Station) -> None:
    """After `forget_plans` kinds are made again."""
    decide(stage, 1)
    station.feed(publish(b"a.1", b"a.2"))
    questions(stage)

    stage.plane.forget_plans()
    station.feed(publish(b"a.3", b"a.4"))

    assert [b"a.3"] == questions(stage)


def test_many_subjects_of_one_kind_leave_room(stage: Stage, station: Station) -> None:
    """However many subjects of a kind there are, they crowd out nothing."""
    decide(stage, 1)
    station.feed(publish(b"other.1"))

    for start in range(0, 50_000, 5_000):
        station.feed(publish(*(b"a.%d" % i for i in range(start, start + 5_000))))
    station.feed(publish(b"other.2"))

    assert [b"other.1", b"a.0"] == questions(stage)
