"""What a monitoring port says, made up for tests of the terminal board."""

import threading
from collections.abc import Sequence
from dataclasses import replace

from app.adapters.top.answers import Client, Server, Traffic
from app.adapters.top.rates import Reading
from app.adapters.top.source import Question, Unreachable


def server(total: int = 0, *, server_id: str = "ID", version: str = "0.8.0") -> Server:
    """A server whose four totals are all the same."""
    return Server(server_id, "edge-1", version, "5s", 12.5, 8 << 20, 0, Traffic(total, total, total, total))


def client(cid: int = 1, name: str = "", total: int = 0, subjects: Sequence[str] = ()) -> Client:
    """A client whose four totals are all the same."""
    return Client(
        cid=cid,
        ip="192.0.2.1",
        port=4000 + cid,
        name=name,
        subs=len(subjects),
        pending=0,
        traffic=Traffic(total, total, total, total),
        lang="go",
        version="1.1.0",
        uptime="3s",
        last_activity="2026-11-25T09:57:17.557717664Z",
        subjects=tuple(subjects),
    )


class FakeSource:
    """Answers each question with the next of the outcomes it was given, and the last one for ever."""

    def __init__(self, *outcomes: Reading | Unreachable) -> None:
        self._outcomes = list(outcomes)
        self.questions: list[Question] = []
        self._asked = threading.Condition()

    def read(self, question: Question) -> Reading:
        """Give the next outcome."""
        with self._asked:
            self.questions.append(question)
            self._asked.notify_all()
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Unreachable):
            raise outcome
        subjects = outcome.clients if question.subscriptions else _without_subjects(outcome.clients)
        return replace(outcome, clients=subjects[: question.limit])

    def wait_for(self, question: Question, seconds: float = 20.0) -> bool:
        """Wait until it was asked."""
        with self._asked:
            return self._asked.wait_for(lambda: question in self.questions, seconds)


def _without_subjects(clients: Sequence[Client]) -> tuple[Client, ...]:
    return tuple(replace(one, subjects=()) for one in clients)
