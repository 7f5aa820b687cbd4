"""Plans: asked for once, kept as long as they are right, and forgotten when they are not."""

from itertools import pairwise

import pytest

from app.domain.dataplane.constants import PLAN_BUDGET, RECEIVE_BYTES
from app.domain.dataplane.seam import Decision, MakePlane, Plane, PlanFigures
from app.domain.subjects.changes import REMEMBERED
from app.domain.subjects.subject import tokens_of
from tests.fakes.data_plane import MAX_LINE, MAX_PAYLOAD, ScriptedPlanner, Stage, Station

INVALID = b"-ERR 'Invalid Subject'\r\n"
LENIENT, PEDANTIC = 0, 1


def publish(*subjects: bytes) -> bytes:
    """An empty PUB on each subject."""
    return b"".join(b"PUB %b 0\r\n\r\n" % subject for subject in subjects)


def questions(stage: Stage) -> list[bytes]:
    """The subjects that the planner was asked about since the last call."""
    asked = [subject for _, subject in stage.planner.asked]
    stage.planner.asked.clear()
    return asked


def test_one_question_per_subject(stage: Stage) -> None:
    """The planner hears of each subject once, by whichever client and in whatever order it is published."""
    first, second = stage.station(), stage.station()

    first.feed(publish(b"a", b"b", b"a"))
    second.feed(publish(b"b", b"a", b"c"))
    first.feed(publish(b"c", b"a"))

    assert [b"a", b"b", b"c"] == questions(stage)


def test_hits_are_counted(stage: Stage) -> None:
    """A look-up that the cache answers is a hit; a run of one subject on one connection is one look-up."""
    first, second = stage.station(), stage.station()

    first.feed(publish(b"a", b"a", b"a"))
    alone = stage.plane.plan_hits
    second.feed(publish(b"a", b"a"))
    second.feed(b"PUB a reply 0\r\n\r\n")
    together = stage.plane.plan_hits
    first.feed(publish(b"b", b"a"))

    assert (0, 1, 2) == (alone, together, stage.plane.plan_hits)


def test_subjects_are_kept_apart(stage: Stage, station: Station) -> None:
    """Subjects that begin alike, differ in case or hold any byte have plans of their own."""
    subjects = [b"a", b"A", b"ab", b"a.b", b"a.", b".a", b"a" * 200, b"a" * 201, b"a\x00", b"\xff", b"*"]
    targets = {subject: station.target(b"%d" % i) for i, subject in enumerate(subjects)}
    for subject, target in targets.items():
        stage.planner.listeners[subject] = ((target,), ())

    station.feed(2 * publish(*subjects))

    assert subjects == questions(stage)
    assert (
        2 * b"".join(b"MSG %b %d 0\r\n\r\n" % (subject, i) for i, subject in enumerate(subjects))
        == station.heard()
    )


def test_many_subjects(stage: Stage, station: Station) -> None:
    """Tens of thousands of subjects are kept side by side, and dropped one by one."""
    subjects = [b"subject.%d" % i for i in range(20_000)]

    station.feed(publish(*subjects))
    questions(stage)
    for subject in subjects[::3]:
        stage.plane.changed(subject)
    station.feed(publish(*subjects))

    assert subjects[::3] == questions(stage)


def test_audiences_have_plans_of_their_own(stage: Stage) -> None:
    """Each audience is asked about once, and gets its own answer."""
    lenient, pedantic = stage.station(), stage.station()
    pedantic.inlet.audience = PEDANTIC
    stage.planner.refused[PEDANTIC, b"a"] = INVALID

    for station in (lenient, pedantic, lenient, pedantic):
        station.feed(publish(b"b", b"a"))

    assert [(LENIENT, b"b"), (LENIENT, b"a"), (PEDANTIC, b"b"), (PEDANTIC, b"a")] == stage.planner.asked
    assert (b"", 2 * INVALID) == (lenient.heard(), pedantic.heard())


def test_many_audiences(stage: Stage, station: Station) -> None:
    """There may be more than two audiences."""
    for audience in (0, 1, 2, 3, 0, 1, 2, 3):
        station.inlet.audience = audience
        station.feed(publish(b"a"))

    assert [0, 1, 2, 3] == [audience for audience, _ in stage.planner.asked]


def test_a_change_of_audience_takes_effect_at_once(stage: Stage, station: Station) -> None:
    """The same line again is judged by the rights that its connection has now."""
    stage.planner.refused[PEDANTIC, b"a"] = INVALID

    station.feed(publish(b"a"))
    station.inlet.audience = PEDANTIC
    station.feed(publish(b"a"))
    refused = station.heard()
    station.inlet.audience = LENIENT
    station.feed(publish(b"a"))

    assert (INVALID, b"") == (refused, station.heard())


def test_a_refusal_is_no_delivery(stage: Stage, station: Station) -> None:
    """A refused message is answered, acknowledged where that is wanted, and counted as received."""
    station.inlet.audience = PEDANTIC
    station.inlet.verbose = True
    stage.planner.refused[PEDANTIC, b"a"] = INVALID

    station.feed(publish(b"a", b"b", b"a"))

    assert INVALID + b"+OK\r\n" + b"+OK\r\n" + INVALID + b"+OK\r\n" == station.heard()
    assert (3, 0) == (station.inlet.in_msgs, stage.plane.out_msgs)


def test_a_refusal_is_sent_once(stage: Stage, station: Station) -> None:
    """However the message is cut, its refusal is sent once."""
    station.inlet.audience = PEDANTIC
    stage.planner.refused[PEDANTIC, b"a"] = INVALID
    line = b"PUB a 5\r\nhello\r\n"

    station.feed_bytewise(2 * line)

    assert 2 * INVALID == station.heard()


def test_a_refusal_is_sent_for_each_message(stage: Stage, station: Station) -> None:
    """A message that was published, alone or in a run, leaves nothing of a refusal before it."""
    line = b"PUB a 5\r\nhello\r\n"
    stage.planner.refused[PEDANTIC, b"a"] = INVALID

    for more in (line, 2 * line):
        station.inlet.audience = PEDANTIC
        station.feed(line[:-4])
        station.inlet.audience = LENIENT
        station.feed(line[-4:] + more)

    assert 2 * INVALID == station.heard()


def test_a_literal_change(stage: Stage, station: Station) -> None:
    """A change on a literal subject concerns the plans of that subject alone."""
    station.feed(publish(b"a", b"a.b", b"b"))
    questions(stage)

    stage.plane.changed(b"a")
    station.feed(publish(b"b", b"a.b", b"a"))

    assert [b"a"] == questions(stage)


def test_a_literal_change_on_an_unknown_subject(stage: Stage, station: Station) -> None:
    """A change that concerns no plan forgets none."""
    station.feed(publish(b"a"))
    questions(stage)

    stage.plane.changed(b"never.published")
    station.feed(publish(b"a"))

    assert [] == questions(stage)


def test_a_literal_change_concerns_all_audiences(stage: Stage, station: Station) -> None:
    """A change is one for every kind of publisher."""
    for _ in range(2):
        for audience in (LENIENT, PEDANTIC):
            station.inlet.audience = audience
            station.feed(publish(b"a"))
        stage.plane.changed(b"a")

    assert [LENIENT, PEDANTIC, LENIENT, PEDANTIC] == [audience for audience, _ in stage.planner.asked]


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [
        (b"*", [b"a", b"b", b"*", b">", b"a*"]),
        (b">", [b"a", b"b", b"*", b">", b"a*", b"a.b", b"a.*", b"a.>", b"a.b.c", b"x.b.c", b"a.b.c.d"]),
        (b"a.*", [b"a.b", b"a.*", b"a.>"]),
        (b"a.>", [b"a.b", b"a.*", b"a.>", b"a.b.c", b"a.b.c.d"]),
        (b"*.b", [b"a.b"]),
        (b"*.b.*", [b"a.b.c", b"x.b.c"]),
        (b"*.*.c", [b"a.b.c", b"x.b.c"]),
        (b"*.b.>", [b"a.b.c", b"x.b.c", b"a.b.c.d"]),
        (b"a.b.c.d.>", []),
        (b"a*.>", []),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else "",
)
def test_a_wildcard_change(stage: Stage, station: Station, pattern: bytes, covered: list[bytes]) -> None:
    """A change on a wildcard subject concerns the plans of all subjects that it covers, and no others."""
    subjects = [b"a", b"b", b"*", b">", b"a*", b"a.b", b"a.*", b"a.>", b"a.b.c", b"x.b.c", b"a.b.c.d"]
    subjects += [b".", b"a.", b".a", b"a..b"]
    station.feed(publish(*subjects))
    questions(stage)

    stage.plane.changed(pattern)
    station.feed(2 * publish(*subjects))

    assert covered == questions(stage)


def test_a_change_reaches_the_subject_in_use(stage: Stage, station: Station) -> None:
    """A change counts from the next message on, also in a run of one subject."""
    first, second = station.target(b"1"), station.target(b"2")
    subscribe = {b"add\r": (first, second), b"drop\r": (second,)}

    def obey(line: bytes) -> bool:
        stage.subscribe(b"a", *subscribe[line])
        return True

    stage.subscribe(b"a", first)
    station.control.obey = obey
    station.feed(publish(b"a") + b"add\r\n" + publish(b"a") + b"drop\r\n" + publish(b"a"))

    expected = [b"1", b"1", b"2", b"2"]
    assert b"".join(b"MSG a %b 0\r\n\r\n" % sid for sid in expected) == station.heard()


def test_changes_within_a_delivery(stage: Stage, station: Station) -> None:
    """A change while a message is delivered does not disturb it, and counts from the next one on."""
    first, second, third = (station.target(b"%d" % i) for i in range(3))
    station.outbox.alarm = 0

    def change() -> bool:
        stage.subscribe(b"a", third)
        return False

    stage.subscribe(b"a", first, second)
    station.owner.decide = change
    station.feed(publish(b"a", b"a"))

    assert b"MSG a 0 0\r\n\r\nMSG a 1 0\r\n\r\nMSG a 2 0\r\n\r\n" == station.heard()


def test_few_wildcard_changes_are_checked(stage: Stage, station: Station) -> None:
    """As many changes as are remembered spare the plans that they do not cover."""
    station.feed(publish(b"a", b"b.c"))
    questions(stage)

    for _ in range(REMEMBERED):
        stage.plane.changed(b"b.*")
    station.feed(publish(b"a", b"b.c", b"a"))

    assert [b"b.c"] == questions(stage)


def test_many_wildcard_changes_forget_all(stage: Stage, station: Station) -> None:
    """A plan that missed more changes than are remembered is asked for again."""
    station.feed(publish(b"a", b"d."))
    questions(stage)

    for _ in range(REMEMBERED + 1):
        stage.plane.changed(b"b.*")
    station.feed(publish(b"a", b"d.", b"a"))

    assert [b"a", b"d."] == questions(stage)


def test_plans_in_use_outlive_any_number_of_changes(stage: Stage, station: Station) -> None:
    """A plan that is looked up between changes is checked each time, and stays."""
    station.feed(publish(b"a"))
    questions(stage)

    for _ in range(3 * REMEMBERED):
        stage.plane.changed(b"b.*")
        station.feed(publish(b"a"))

    assert [] == questions(stage)


def test_forgetting_all_plans(stage: Stage) -> None:
    """After `forget_plans` every subject is asked about again, the one in use included."""
    first, second = stage.station(), stage.station()
    first.feed(publish(b"a", b"b"))
    second.feed(publish(b"a"))
    questions(stage)

    stage.plane.forget_plans()
    first.feed(publish(b"b"))
    second.feed(publish(b"a"))

    assert [b"b", b"a"] == questions(stage)


def test_the_cache_is_bounded(make_plane: MakePlane) -> None:
    """Subjects beyond the budget empty the cache, and what is published next is kept again."""
    length = RECEIVE_BYTES // 2
    stage = Stage(make_plane, max_line=2 * length)
    station = stage.station()
    count = 0

    station.feed(publish(b"first", b"second"))
    for number in range(PLAN_BUDGET // length):
        station.feed(publish(b"%d" % number + length * b"x"))
        count += len(questions(stage))
    station.feed(publish(b"first"))
    station.feed(publish(b"third", b"first"))

    assert (2 + PLAN_BUDGET // length, [b"first", b"third"]) == (count, questions(stage))


class WidePlanner(ScriptedPlanner):
    """Makes plans that refer to one queue group's part very often."""

    def plan(self, plane: Plane, audience: int, subject: bytes) -> Decision:
        """A plan of its own for each question."""
        self.asked.append((audience, subject))
        return plane.plan((), [WIDTH * [plane.group()]]), 1


WIDTH = 100_000


def test_audiences_are_charged(make_plane: MakePlane) -> None:
    """Plans for further audiences of one subject count against the budget, which bounds them too."""
    planner = WidePlanner()
    plane = make_plane(planner, 1, MAX_PAYLOAD, MAX_LINE)
    station = Station(plane)
    figures: list[PlanFigures] = []

    for audience in range(PLAN_BUDGET // (8 * WIDTH) + 1):
        station.inlet.audience = audience
        station.feed(publish(b"a"))
        figures.append(plane.plan_figures())

    growth = [after.size - before.size for before, after in pairwise(figures)]
    assert all(8 * WIDTH < bytes_more for bytes_more in growth[:-1])
    assert ([1, 2], 1) == ([held.plans for held in figures[:2]], figures[-1].plans)
    assert max(held.size for held in figures) <= PLAN_BUDGET


def test_audiences_that_share_a_plan_are_charged(make_plane: MakePlane) -> None:
    """Each has a place of its own, whatever it costs less; a change gives all of it back."""
    stage = Stage(make_plane)
    plan = stage.plane.plan((), ())
    stage.planner.answer = lambda _plane, _audience, _subject: plan
    station = stage.station()
    sizes: list[int] = []

    for audience in range(1000):
        station.inlet.audience = audience
        station.feed(publish(b"a"))
        sizes.append(stage.plane.plan_figures().size)
    stage.plane.changed(b"a")

    assert all(after - before > 100 for before, after in pairwise(sizes))
    assert (0, 0) == stage.plane.plan_figures()[::3]


def test_the_planner_is_given_the_plane(stage: Stage, station: Station) -> None:
    """The planner may make any plan with the plane it is given, and is given the subject as published."""
    subject = b"a.*.\xff" + 300 * b"b"

    station.feed(publish(subject))

    assert [(LENIENT, subject)] == stage.planner.asked
    assert [b"a", b"*"] == tokens_of(stage.planner.asked[0][1])[:2]
