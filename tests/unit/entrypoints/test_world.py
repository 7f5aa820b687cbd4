"""The first parts of a server."""

from contextlib import nullcontext

from app.adapters.logs.switchable import SwitchableLog
from app.adapters.process.switch_interval import short_switch_interval
from app.config.options import make_options
from app.domain.dataplane import PYTHON
from app.entrypoints.world import World
from tests.fakes.event_log import RecordingEventLog


def _world() -> World:
    return World(make_options({}), PYTHON)


def test_a_log_that_takes_the_place_of_another() -> None:
    """The one before is to be closed; where the log cannot be replaced, that is the new one."""
    world, first, second = _world(), RecordingEventLog(), RecordingEventLog()
    world.use("log", SwitchableLog(first))
    fixed = _world()
    fixed.use("log", RecordingEventLog())

    assert first is world.use_log(second, world.options)
    assert None is world.use_log(None, world.options)
    assert second is fixed.use_log(second, fixed.options)


def test_a_program_of_its_own() -> None:
    """Only then are settings of the process changed while modules are imported."""
    world = _world()
    assert nullcontext is world.while_importing()
    program = _world()
    program.own_process()

    assert short_switch_interval is program.while_importing()
