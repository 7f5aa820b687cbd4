"""The feed: what the page is told, as JSON."""

import json
from dataclasses import replace
from typing import Any

from app.adapters.monitoring.dashboard.feed import Material, Wish, answer, gather
from app.adapters.monitoring.dashboard.findings import Findings, SubjectRow
from app.adapters.monitoring.dashboard.history import WINDOWS
from app.adapters.monitoring.dashboard.recorder import Recorder
from app.adapters.monitoring.dashboard.selection import Choice
from app.ports.broker_view import ConnectionStats, RouteStats, Traffic
from tests.fakes.steps import finished
from tests.fakes.virtual_broker import INFO
from tests.fakes.watched_broker import WatchedBroker

WISH = Wish(WINDOWS[0], INFO.server_id, 0, Choice())


def recorder(samples: int = 0) -> Recorder:
    """A recorder that has taken so many samples."""
    made = Recorder(WatchedBroker().watch, lambda: 0.5)
    for _ in range(samples):
        made.record()
    return made


def material(samples: int = 0, wish: Wish = WISH) -> Material:
    """What an answer about an idle server is made of."""
    return gather(recorder(samples), Findings(0.0), (), wish)


def told(given: Material, wish: Wish = WISH) -> dict[str, Any]:
    """The answer."""
    document: dict[str, Any] = json.loads(finished(answer(given, wish, "edition")))
    return document


def test_what_an_answer_belongs_to() -> None:
    """An answer names the edition of the page, and the run of the server."""
    document = told(material())

    assert ("edition", INFO.server_id) == (document["edition"], document["epoch"])


def test_a_server_without_a_name() -> None:
    """Where a server has no name its id stands in its place."""
    assert INFO.server_id == told(material())["server"]["name"]


def test_samples_are_rows_of_numbers() -> None:
    """The fields of a sample stand in the order that the page knows."""
    history = told(material(samples=1))["history"]

    [sample] = history["samples"]
    assert [0.0, 0, 0, 0, 0, 0.5, sample[6], 0] == sample
    assert ("10m", 2.0, 300, 0) == tuple(history[name] for name in ("window", "step", "length", "first"))
    assert history["samples"] == history["latest"]


def test_samples_of_another_run() -> None:
    """A page that has samples of another run of the server gets all of this one."""
    known, other = replace(WISH, after=2), replace(WISH, epoch="other", after=2)

    assert 1 == len(told(material(3, known), known)["history"]["samples"])
    assert 3 == len(told(material(3, other), other)["history"]["samples"])


def test_a_route() -> None:
    """A route tells where it leads, and what passes over it."""
    link = ConnectionStats(7, "192.0.2.7", 6222, 0.0, 0.0, 11, Traffic(1, 2, 3, 4))
    route = RouteStats(link, remote_id="PEER", solicited=True, configured=True, subscriptions=5)

    [row] = told(replace(material(), routes=(route,)))["routes"]

    assert {
        "remote": "PEER",
        "ip": "192.0.2.7",
        "port": 6222,
        "pending": 11,
        "msgs_to": 3,
        "msgs_from": 1,
        "subs": 5,
    } == row


def test_subjects_that_were_not_looked_at() -> None:
    """That some subscriptions were too many to be ranked is told."""
    row = SubjectRow("a", 2, 9, 1.5)
    findings = Findings(0.0, [], {"a": row}, [row], unranked=7)

    subjects = told(replace(material(), findings=findings))["subjects"]

    assert (1, 7) == (subjects["total"], subjects["unranked"])
    assert [{"subject": "a", "subs": 2, "delivered": 9, "rate": 1.5}] == subjects["rows"]
