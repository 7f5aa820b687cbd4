"""A JetStream to be watched, that is whatever a test says."""

from collections.abc import Generator

from app.ports.broker_view import Steps
from app.ports.streams_view import ConsumerFigures, Overview, StreamFigures, StreamsDetail


class FakeStreams:
    """A JetStream with fixed answers; `asked` keeps what details were asked for."""

    def __init__(self) -> None:
        self.asked: list[StreamsDetail] = []
        self.wrong = ""
        self.streams: list[StreamFigures] = []
        self.consumers: list[ConsumerFigures] = []

    def figures(self) -> dict[str, object]:
        """Some."""
        return {"memory": 1, "storage": 2, "api": {"total": 3}}

    def config(self) -> dict[str, object]:
        """Some."""
        return {"max_memory": 4}

    def totals(self) -> dict[str, object]:
        """Some."""
        return {"streams": 5}

    def details(self, detail: StreamsDetail) -> Generator[None, None, list[dict[str, object]]]:
        """One account."""
        self.asked.append(detail)
        yield
        return [{"name": "$G"}]

    def problem(self, *, server_only: bool = False) -> str:
        """As the test says, unless only the server counts."""
        return "" if server_only else self.wrong

    def overview(self, streams: int, consumers: int) -> Steps[Overview]:
        """Those of the test."""
        yield
        return Overview(
            tuple(self.streams[:streams]),
            tuple(self.consumers[:consumers]),
            len(self.streams),
            len(self.consumers),
        )

    def stream(self, name: str) -> dict[str, object] | None:
        """The name alone, of one that is there."""
        return {"name": name} if any(each.name == name for each in self.streams) else None

    def consumer(self, stream: str, name: str) -> dict[str, object] | None:
        """The same."""
        is_there = any((each.stream, each.name) == (stream, name) for each in self.consumers)
        return {"name": name} if is_there else None


def stream(
    name: str, *, messages: int = 0, first_time: int = 0, consumers: int = 0, failure: str = ""
) -> StreamFigures:
    """A stream of one subject, each of whose messages has ten bytes."""
    return StreamFigures(
        name=name,
        subjects=(f"{name.lower()}.>",),
        retention="limits",
        in_memory=False,
        messages=messages,
        size=10 * messages,
        first_time=first_time,
        last=messages,
        consumers=consumers,
        failure=failure,
    )


def consumer(  # noqa: PLR0913 - figures of a row
    of: str,
    name: str,
    *,
    lag: int = 0,
    unacknowledged: int = 0,
    redelivered: int = 0,
    delivered: int = 0,
    acked_at: int = 0,
) -> ConsumerFigures:
    """A consumer that pulls."""
    return ConsumerFigures(
        stream=of,
        name=name,
        is_push=False,
        is_paused=False,
        lag=lag,
        unacknowledged=unacknowledged,
        redelivered=redelivered,
        waiting=lag,
        delivered=delivered,
        delivered_at=0,
        acked_at=acked_at,
    )
