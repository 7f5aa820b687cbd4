"""Steps: bounded work between two pauses."""

from app.domain.steps import STEP_WORK, Step


def test_a_step_ends_when_its_work_is_done() -> None:
    """It is over after `STEP_WORK`, and the next one has as much."""
    step = Step()

    over = [step.is_over_after(STEP_WORK // 2) for _ in range(4)]

    assert [False, True, False, True] == over
