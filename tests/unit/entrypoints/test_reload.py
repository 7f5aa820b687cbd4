"""A reload, step by step: what is prepared and given up, and what is put to use."""

import pytest

from app.config.errors import ConfigError, Problem
from app.config.load import Loaded
from app.domain.events import ServerFailure
from app.entrypoints.events import ReloadFailed
from app.entrypoints.reload import ReloadRefused
from tests.support.reload_rig import ReloadRig

pytestmark = pytest.mark.asyncio


async def test_what_is_logged() -> None:
    """A line for each change, and for what has no effect; a second reload has none of the former."""
    rig = ReloadRig()
    assert ["max_payload"] == await rig.reload(max_payload=2000)
    assert [] == await rig.reload(max_payload=2000)

    assert rig.log.texts()[:2] == ["x has no effect", "Reloaded: max_payload = 2000"]
    assert 1 == rig.log.texts().count("Reloaded: max_payload = 2000")
    assert 2000 == rig.container.broker().limits.max_payload


async def test_mistakes() -> None:
    """Each is a line of its own, and the options stay."""
    rig = ReloadRig()
    rig.next = ConfigError([Problem("one"), Problem("two")])
    with pytest.raises(ReloadRefused, match="one; two"):
        await rig.reloader.reload()

    assert ["one", "two"] == [event.reason for event in rig.log.of(ReloadFailed)]
    assert 1_048_576 == rig.container.options.max_payload


async def test_a_defect_in_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other parts are put to use all the same, and the log has the defect."""
    rig = ReloadRig()

    def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(rig.container.broker(), "apply", fail)
    assert ["max_payload", "debug"] == sorted(await rig.reload(max_payload=2000, debug=True), reverse=True)
    assert rig.log.of(ServerFailure)


async def test_a_defect_while_it_is_read() -> None:
    """The server goes on, and the log says what it was."""
    rig = ReloadRig()

    def fail() -> Loaded:
        raise ZeroDivisionError("of mine")

    with pytest.raises(ReloadRefused, match="ZeroDivisionError"):
        await rig.reloader.reload(fail)
