"""Shrinking: removes steps and phases that a failing scenario does not need to fail."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.scenario import Phase, Scenario, Step

_NumberedStep = tuple[int, Step]
"""A step, and the number of its phase."""


def shrink(scenario: Scenario, fails: Callable[[Scenario], bool], budget: int = 400) -> Scenario:
    """The smallest failing scenario found within `budget` plays; `fails` plays one."""
    plays = 0

    def still_fails(candidate: Scenario) -> bool:
        nonlocal plays
        plays += 1
        return plays <= budget and fails(candidate)

    scenario = _fewer_phases(scenario, still_fails)
    steps = _numbered(scenario)
    for chosen in _kinds(steps):
        left = [step for step in steps if step not in chosen]
        if len(left) < len(steps) and still_fails(_with_steps(scenario, left)):
            steps = left
    size = max(1, len(steps) // 2)
    while plays < budget:
        steps, progress = _without_runs(scenario, steps, size, still_fails)
        if size == 1 and not progress:
            break
        size = max(1, size // 2)
    return _with_steps(scenario, steps)


def _fewer_phases(scenario: Scenario, still_fails: Callable[[Scenario], bool]) -> Scenario:
    for count in range(1, len(scenario.phases)):
        shorter = replace(scenario, phases=scenario.phases[:count])
        if still_fails(shorter):
            return shorter
    return scenario


def _kinds(steps: list[_NumberedStep]) -> Iterator[set[_NumberedStep]]:
    """Sets of steps: all of one fault, or all of one client."""
    faults = sorted({step.action for _, step in steps if step.is_fault})
    clients = sorted({step.arguments[0] for _, step in steps if not step.is_fault}, key=str)
    for action in faults:
        yield {placed for placed in steps if placed[1].action == action}
    for client in clients:
        yield {placed for placed in steps if not placed[1].is_fault and placed[1].arguments[0] == client}


def _without_runs(
    scenario: Scenario, steps: list[_NumberedStep], size: int, still_fails: Callable[[Scenario], bool]
) -> tuple[list[_NumberedStep], bool]:
    """Remove runs of `size` steps, one after the other; returns the rest, and whether any was removed."""
    begin, progress = 0, False
    while begin < len(steps):
        left = steps[:begin] + steps[begin + size :]
        if still_fails(_with_steps(scenario, left)):
            steps, progress = left, True
        else:
            begin += size
    return steps, progress


def _numbered(scenario: Scenario) -> list[_NumberedStep]:
    return [(number, step) for number, phase in enumerate(scenario.phases) for step in phase.steps]


def _with_steps(scenario: Scenario, steps: list[_NumberedStep]) -> Scenario:
    phases = tuple(
        Phase(phase.seconds, tuple(step for place, step in steps if place == number))
        for number, phase in enumerate(scenario.phases)
    )
    return replace(scenario, phases=phases)
