"""What a monitoring port says, made up for tests of the terminal board."""

import threading
from collections.abc import Sequence
from dataclasses import replace

from app.adapters.top.answers import ClientAnswer, ServerAnswer, TrafficTotals
from app.adapters.top.monitoring_port import ReadingQuery, Unreachable
from app.adapters.top.rates import ServerReading


def server(total: int = 0, *, server_id: str = "ID", version: str = "0.8.0") -> ServerAnswer:
    """A server whose four totals are all the same."""
    return ServerAnswer(
        server_id, "edge-1", version, "5s", 12.5, 8 << 20, 0, TrafficTotals(total, total, total, total)
    )


def client(cid: int = 1, name: str = "", total: int = 0, subjects: Sequence[str] = ()) -> ClientAnswer:
    """A client whose four totals are all the same."""
    return ClientAnswer(
        cid=cid,
        ip="192.0.2.1",
        port=4000 + cid,
        name=name,
        subs=len(subjects),
        pending=0,
        traffic=TrafficTotals(total, total, total, total),
        lang="go",
        version="1.1.0",
        uptime="3s",
        last_activity="2026-11-25T09:57:17.557717664Z",
        subjects=tuple(subjects),
    )


class FakeSource:
    """Answers each query with the next of the outcomes it was given, and the last one for ever."""

    def __init__(self, *outcomes: ServerReading | Unreachable) -> None:
        self._outcomes = list(outcomes)
        self.questions: list[ReadingQuery] = []
        self._asked = threading.Condition()

    def read(self, query: ReadingQuery) -> ServerReading:
        """Give the next outcome."""
        with self._asked:
            self.questions.append(query)
            self._asked.notify_all()
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Unreachable):
            raise outcome
        subjects = outcome.clients if query.subscriptions else _without_subjects(outcome.clients)
        return replace(outcome, clients=subjects[: query.limit])

    def wait_for(self, query: ReadingQuery, seconds: float = 20.0) -> bool:
        """Wait until it was asked."""
        with self._asked:
            return self._asked.wait_for(lambda: query in self.questions, seconds)


def _without_subjects(clients: Sequence[ClientAnswer]) -> tuple[ClientAnswer, ...]:
    return tuple(replace(one, subjects=()) for one in clients)
