"""Objects of another data plane are refused."""

import pytest

from app.domain.dataplane.seam import MakePlane, Outbox, Plan, Plane, Target
from tests.fakes.data_plane import ScriptedControl, ScriptedSubscription, Stage


class Foreign:
    """Of no data plane."""


def test_an_outbox_of_another_plane(stage: Stage) -> None:
    """Neither an inlet nor a target is made with it."""
    foreign: Outbox = Foreign()  # type: ignore[assignment] # that is the point

    with pytest.raises(TypeError):
        stage.plane.inlet(ScriptedControl(), foreign)
    with pytest.raises(TypeError):
        stage.plane.target(foreign, b"1", ScriptedSubscription())


def test_a_target_of_another_plane(stage: Stage) -> None:
    """It joins no group, and no plan without groups can deliver to it."""
    foreign: Target = Foreign()  # type: ignore[assignment] # that is the point
    group = stage.plane.group()

    with pytest.raises(TypeError):
        group.add(foreign)
    with pytest.raises(TypeError):
        group.remove(foreign)
    with pytest.raises(TypeError):
        stage.plane.plan((foreign,), ())

    assert 0 == len(group)


def test_a_retired_target_has_no_place_under_another_sid(stage: Stage) -> None:
    """It knows its outbox no more."""
    target = stage.station().target()
    target.retire()

    with pytest.raises(TypeError):
        target.under(b"2")


def test_a_plan_of_another_plane(make_plane: MakePlane) -> None:
    """A planner that answers with one is a defect, which is not obeyed."""
    stage = Stage(make_plane)
    foreign: Plan = Foreign()  # type: ignore[assignment] # that is the point
    stage.planner.answer = lambda _plane, _audience, _subject: foreign
    plane: Plane = stage.plane

    with pytest.raises(TypeError):
        stage.station().feed(b"PUB a 0\r\n\r\n")

    assert 0 == plane.plan_figures().plans
