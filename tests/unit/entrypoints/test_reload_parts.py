"""The parts of a reload: given up if another one fails, and put to use together."""

from pathlib import Path

import pytest
from dependency_injector import providers

from app.adapters.logs.destinations import LogDestinationError
from app.config.options import Options
from app.domain.hooks.hook_event import HookEvent, HookPoint
from app.entrypoints.reload import ReloadRefused
from app.ports.hooks import HookAnswer, Hooks
from tests.fakes.authenticator import ManualAuthenticator
from tests.fakes.event_log import RecordingEventLog
from tests.support.reload_rig import ReloadRig

pytestmark = pytest.mark.asyncio


class Policy(Hooks):
    """Hooks that a configuration names."""

    def publish(self, event: HookEvent) -> HookAnswer:
        """Allow."""


POLICY = f"{__name__}:Policy"


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
    """A log that cannot be opened is the reason for refusing a reload."""
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


async def test_hooks_are_replaced() -> None:
    """A factory is called for the new configuration; without one there are no hooks any more."""
    rig = ReloadRig()
    assert rig.container.broker().hooks is None
    broker, runners = rig.container.broker(), rig.container.hook_runners()
    changed = await rig.reload(hooks={"factory": POLICY, "time_limit": 3})
    assert ["hooks.factory", "hooks.time_limit"] == changed
    first = runners.opened
    assert first is not None
    assert broker.hooks is not None
    assert (True, 3.0, POLICY) == (
        broker.hooks.asks(HookPoint.PUBLISH),
        broker.hooks.terms.time_limit,
        broker.hooks.terms.name,
    )
    await rig.reload(hooks={"factory": POLICY, "time_limit": 3}, debug=True)
    opened = [runners.opened]
    await rig.reload(hooks={"factory": POLICY, "shadow": True})
    assert broker.hooks.terms.shadow
    opened.append(runners.opened)
    await rig.reload()
    opened.append(runners.opened)

    assert [True, False, False] == [one is first for one in opened]
    assert opened[-1] is None
    assert not broker.hooks.asks(HookPoint.PUBLISH)


async def test_hooks_that_cannot_be_made() -> None:
    """They are the reason, and those in use stay."""
    rig = ReloadRig(hooks={"factory": POLICY})
    opened = rig.container.hook_runners().opened
    with pytest.raises(ReloadRefused, match="no module 'no_such_module'"):
        await rig.reload(hooks={"factory": "no_such_module:make"}, debug=True)

    assert rig.container.hook_runners().opened is opened
    assert not rig.container.options.debug


async def test_hooks_of_a_program_stay() -> None:
    """The object that a program has given is the one that is asked, by other terms."""
    rig = ReloadRig()
    rig.container.hooks.override(providers.Object(Policy()))
    await rig.reload(hooks={"factory": POLICY, "shadow": True})
    hooks = rig.container.broker().hooks

    assert hooks is not None
    assert hooks.terms.shadow


async def test_limits_of_streams(tmp_path: Path) -> None:
    """They hold at once, and so does the time between syncs; the directory is refused."""
    section = {"store_dir": str(tmp_path)}
    rig = ReloadRig(jetstream=section)
    streams = rig.container.streams()
    assert streams is not None
    await rig.reload(jetstream={**section, "max_mem": 1}, debug=True)
    await streams.start()
    changed = await rig.reload(
        jetstream={
            **section,
            "max_mem": 2000,
            "max_file": 3000,
            "sync_interval": 5,
            "request_queue_limit": 7,
            "limits": {"max_ack_pending": 8, "max_request_batch": 9, "duplicate_window": 10},
        },
        debug=True,
    )
    jetstream = streams.jetstream
    assert jetstream is not None
    settings = jetstream.settings
    with pytest.raises(ReloadRefused, match=r"not supported for jetstream\.store_dir"):
        await rig.reload(jetstream={**section, "store_dir": str(tmp_path / "other")})
    with pytest.raises(ReloadRefused, match="not supported for jetstream: "):
        await rig.reload()
    await streams.stop()

    assert 7 == len(changed)
    assert (2000, 3000, 5.0, 7) == (
        settings.max_memory,
        settings.max_storage,
        settings.sync_interval,
        settings.request_queue_limit,
    )
    assert (8, 9, 10_000_000_000) == (
        settings.max_ack_pending,
        settings.max_request_batch,
        settings.duplicate_window,
    )
    assert settings is jetstream.catalogue.settings
    assert 7 == jetstream.router.queue_limit
    assert "Reloaded: jetstream max_mem = 2000" in rig.log.texts()
