"""The parts of a reload: given up if another one fails, and put to use together."""

from pathlib import Path

import pytest
from dependency_injector import providers

from app.adapters.logs.destinations import LogDestinationError
from app.config.options import Options
from app.entrypoints.reload import ReloadRefused
from tests.fakes.authenticator import ManualAuthenticator
from tests.fakes.event_log import RecordingEventLog
from tests.support.reload_rig import ReloadRig

pytestmark = pytest.mark.asyncio


async def test_what_was_prepared_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that fails leaves no other part open: here the new log and the new authenticator."""
    rig, opened = ReloadRig(), RecordingEventLog()
    monkeypatch.setattr(rig.container, "open_log", lambda _: opened)
    missing = str(tmp_path / "missing" / "pid")
    with pytest.raises(ReloadRefused, match="Could not write pidfile"):
        await rig.reload(debug=True, pid_file=missing, authorization={"token": "t"})

    assert opened.closed
    assert not rig.container.authenticator().required


async def test_a_log_that_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the reason."""
    rig = ReloadRig()

    def fail(_: Options) -> None:
        raise LogDestinationError("error opening file: no")

    monkeypatch.setattr(rig.container, "open_log", fail)
    with pytest.raises(ReloadRefused, match="error opening file: no"):
        await rig.reload(debug=True)


async def test_parts_of_another_make() -> None:
    """An authenticator that was put in place of ours stays; so does a log."""
    rig = ReloadRig()
    own = ManualAuthenticator()
    for provider in (rig.container.authenticator, rig.container.route_authenticator):
        provider.override(providers.Object(own))
    rig.container.log.override(providers.Object(rig.log))
    await rig.reload(
        debug=True,
        authorization={"token": "t"},
        cluster={"authorization": {"user": "r", "password": "p"}},
    )

    assert not own.closed


async def test_routes_log_in_with_other_credentials() -> None:
    """The authenticator of routes is replaced, and other servers are shown the new ones."""
    rig = ReloadRig(cluster={"port": -1})
    await rig.reload(cluster={"port": -1, "authorization": {"user": "r", "password": "p"}})

    assert rig.container.route_authenticator().required
    cluster = rig.container.broker().cluster
    assert cluster is not None
    assert "r" == cluster.settings.user
