"""A reload whenever certificates change: which files are watched."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from app.config.options import make_options
from app.entrypoints import certificate_watch as module
from app.entrypoints.certificate_watch import certificate_paths, watch_certificates
from app.testing import wait_for

FIRST = make_options({"tls": {"cert_file": "c", "key_file": "k", "ca_file": "a", "verify": True}})
SECOND = make_options({"tls": {"cert_file": "c2", "key_file": "k"}})


def test_which_files_are_watched() -> None:
    """All of the sections that are in use."""
    assert {"c", "k", "a"} == certificate_paths(FIRST)
    assert frozenset() == certificate_paths(make_options({}))
    remotes = ({"urls": "nats://hub", "tls": {"ca_file": "b"}}, {"urls": "nats://other"})
    assert {"b"} == certificate_paths(make_options({"leafnodes": {"remotes": remotes}}))


@pytest.mark.asyncio
async def test_files_with_other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a reload that names other files those are watched."""
    watched: list[frozenset[str]] = []
    options, changed = [FIRST], asyncio.Queue[None]()

    async def some_changes(paths: Iterable[str], _stop: asyncio.Event) -> AsyncIterator[None]:
        watched.append(frozenset(paths))
        for _ in range(2):
            yield
        await asyncio.Event().wait()

    def note() -> None:
        changed.put_nowait(None)
        if changed.qsize() == 2:
            options[0] = SECOND

    monkeypatch.setattr(module, "changes", some_changes)
    task = asyncio.create_task(watch_certificates(lambda: options[0], note))
    await wait_for(lambda: changed.qsize() == 4)
    task.cancel()

    assert [{"c", "k", "a"}, {"c2", "k"}] == watched
