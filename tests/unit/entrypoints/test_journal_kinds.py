"""What the journal keeps: kinds, their words, and where they come from."""

import dataclasses

import pytest

from app.adapters.logs.structured import LinesDropped
from app.adapters.monitoring.journal import Journal
from app.adapters.net_asyncio.tls_events import HandshakeFailed
from app.config.options import make_options
from app.domain.dataplane import PYTHON
from app.domain.events import (
    AuthorizationFailed,
    ConnectionsExceeded,
    Event,
    InternalFailure,
    Link,
    PayloadExceeded,
    PublishersHeld,
    SlowConsumer,
)
from app.entrypoints.container import Container
from app.entrypoints.journal_kinds import KINDS

LINK = Link("cid", 7, "192.0.2.1:4007")


def example(kind: type[Event]) -> Event:
    """A fact of this kind, whose texts and numbers say nothing."""
    values: dict[str, object] = {}
    for field in dataclasses.fields(kind):
        values[field.name] = LINK if field.name == "link" else 1 if field.type is int else "x"
    return kind(**values)  # type: ignore[arg-type] # they have the types of the fields


@pytest.mark.parametrize("fact", KINDS)
def test_every_kind_has_a_text(fact: type[Event]) -> None:
    """No fact lacks a field that its entry would show, and no tone lacks a colour."""
    kind = KINDS[fact]

    assert isinstance(kind.detail(example(fact)), str)
    assert isinstance(kind.who(example(fact)), str)
    assert kind.tone in {"bad", "warn", "good"}
    assert kind.name.isidentifier()


@pytest.mark.parametrize(
    ("fact", "name", "detail"),
    [
        (SlowConsumer(LINK, "write deadline"), "slow_consumer", "write deadline"),
        (PublishersHeld(LINK, "a", 2, 2**20), "publishers_held", "2 publishers wait, 1.00 MiB pending"),
        (PublishersHeld(LINK, "a", 1, 2**19), "publishers_held", "1 publisher waits, 0.50 MiB pending"),
        (AuthorizationFailed(LINK), "login_refused", ""),
        (HandshakeFailed(LINK, "", "no shared cipher"), "tls_failed", "no shared cipher"),
        (ConnectionsExceeded(LINK, 5), "limit_reached", "5 clients"),
        (PayloadExceeded(LINK, "2048", 1024), "limit_reached", "2048 bytes, 1024 are allowed"),
        (LinesDropped(None, 12), "log_dropped", "12 lines"),
        (InternalFailure(LINK, "KeyError()"), "internal_error", "KeyError()"),
    ],
)
def test_what_an_entry_says(fact: Event, name: str, detail: str) -> None:
    """The counter's name and the reason, in words an operator knows from the log."""
    journal = Journal(KINDS)

    journal.note(fact)

    [entry] = journal.snapshot().entries
    assert (name, detail) == (entry.kind.name, entry.detail)


def test_the_log_of_a_container_has_a_journal(capfd: pytest.CaptureFixture[str]) -> None:
    """What the parts of a server record is written as before, and is what its pages list."""
    container = Container(make_options({}), PYTHON)
    log = container.event_log()

    for _ in range(100):
        log.record(SlowConsumer(LINK, "write deadline"))
    log.close()

    assert "Slow Consumer Detected" in capfd.readouterr().err
    assert 100 == container.journal().counts()["slow_consumer"]
