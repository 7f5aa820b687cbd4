"""A reload whenever certificates change: which files are watched."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from app.config.options import make_options
from app.entrypoints import certificate_watch as module
from app.entrypoints.certificate_watch import certificate_paths, watch_certificates

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
    """The files are those of the options that are in force; each change is passed on."""
    watched: list[frozenset[str]] = []
    options, changed = [FIRST], asyncio.Queue[None]()

    async def some_changes(paths: Callable[[], frozenset[str]], _stop: asyncio.Event) -> AsyncIterator[None]:
        for each in (FIRST, SECOND):
            options[0] = each
            watched.append(paths())
            yield

    monkeypatch.setattr(module, "changes", some_changes)
    await watch_certificates(lambda: options[0], lambda: changed.put_nowait(None))

    assert [{"c", "k", "a"}, {"c2", "k"}] == watched
    assert 2 == changed.qsize()
