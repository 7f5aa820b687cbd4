"""The survey: one look for all who ask, in steps, and not too often."""

import asyncio
from collections.abc import Iterator

import pytest

from app.adapters.monitoring.dashboard.findings import STALE_SECONDS
from app.adapters.monitoring.dashboard.survey import FRESH_SECONDS, SHARE, Survey
from tests.support.monitored_broker import MonitoredBroker

pytestmark = pytest.mark.asyncio


def ticking(seconds: float) -> Iterator[float]:
    """A stopwatch that shows so many seconds more at each glance."""
    now = 0.0
    while True:
        yield now
        now += seconds


async def test_it_finds_clients_and_subjects() -> None:
    """A look finds who is connected, and what they listen to."""
    broker = MonitoredBroker()
    broker.connect("billing", "orders.*", "mail")

    findings = await Survey(broker.watch).findings()

    assert ["billing"] == [row.stats.profile.name for row in findings.clients]
    assert ["orders.*", "mail"] == list(findings.subjects)


async def test_all_who_ask_at_once_share_a_look() -> None:
    """A hundred open pages cost one look."""
    survey = Survey(MonitoredBroker().watch)

    first, *others = await asyncio.gather(*(survey.findings() for _ in range(100)))

    assert all(first is other for other in others)


async def test_a_fresh_look_is_good_enough() -> None:
    """Within the first second the same findings are given again, and then new ones."""
    broker = MonitoredBroker()
    survey = Survey(broker.watch, lambda: 0.0)
    first = await survey.findings()

    broker.server.advance(FRESH_SECONDS / 2)
    again = await survey.findings()
    broker.server.advance(FRESH_SECONDS)
    later = await survey.findings()

    assert first is again
    assert first is not later


async def test_rates_come_with_the_second_look() -> None:
    """What was delivered between two looks shows as messages per second."""
    broker = MonitoredBroker()
    client = broker.connect("", "a")
    survey = Survey(broker.watch, lambda: 0.0)
    await survey.findings()

    client.ask(b"PUB a 1\r\nx\r\n" * 8)
    broker.server.advance(2.0)
    findings = await survey.findings()

    assert (4.0, 4.0) == (findings.clients[0].to_rate, findings.clients[0].from_rate)
    assert 4.0 == findings.subjects["a"].rate


async def test_a_dear_look_is_taken_seldom() -> None:
    """A look that took long is good for `SHARE` times as long."""
    broker = MonitoredBroker()
    watch = ticking(0.1)
    survey = Survey(broker.watch, lambda: next(watch))
    first = await survey.findings()

    broker.server.advance(SHARE * 0.1 + 0.1)
    again = await survey.findings()
    broker.server.advance(SHARE * 2.0)
    later = await survey.findings()

    assert first is again
    assert first is not later


async def test_a_reader_who_leaves_does_not_spoil_the_look() -> None:
    """When one of two readers gives up, the other one still gets an answer."""
    survey = Survey(MonitoredBroker().watch)
    leaver, stayer = (asyncio.create_task(survey.findings()) for _ in range(2))
    await asyncio.sleep(0)

    leaver.cancel()

    assert [] == (await stayer).clients


async def test_forgotten_when_nobody_looks() -> None:
    """Findings that nobody asked for lately are let go of, so they are compared with no more."""
    broker = MonitoredBroker()
    broker.connect("", "a")
    survey = Survey(broker.watch, lambda: 0.0)
    first = await survey.findings()

    survey.tidy()
    assert first is await survey.findings()
    broker.server.advance(STALE_SECONDS + 0.1)
    survey.tidy()

    assert None is (await survey.findings()).clients[0].to_rate
