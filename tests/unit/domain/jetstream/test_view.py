"""JetStream, watched."""

from collections import deque
from collections.abc import Generator

from app.domain.jetstream.storage.seam import Lost, StorageFailure, StoreProblem
from app.domain.jetstream.view import JetStreamView
from app.ports.streams_view import StreamsDetail
from tests.support.virtual_jetstream import VirtualJetStream


def _answer(view: JetStreamView, detail: StreamsDetail) -> dict[str, object]:
    """The one account."""
    answers: list[dict[str, object]] = []

    def follow() -> Generator[None, None, None]:
        answers.extend((yield from view.details(detail)))

    deque(follow(), maxlen=0)
    return answers[0]


def test_figures(js: VirtualJetStream) -> None:
    """What is used, how the API was used, and how much there is."""
    js.stream(max_bytes=1000)
    js.consumer()
    js.publish("s.a")
    view = JetStreamView(js.jetstream)
    figures = view.figures()
    assert (figures["reserved_storage"], figures["accounts"]) == (1000, 1)
    assert figures["api"] == {"level": js.jetstream.settings.api_level, "total": 2, "errors": 0}
    totals = view.totals()
    assert (totals["streams"], totals["consumers"], totals["messages"]) == (1, 1, 1)
    assert view.config()["sync_always"] is True


def test_details(js: VirtualJetStream) -> None:
    """Streams and consumers come as far as they are asked for."""
    for name in ("A", "B"):
        js.stream(name)
    js.stream("M", subjects=[], mirror={"name": "A"})
    for number in range(20):
        js.consumer("A", f"C{number}")
    view = JetStreamView(js.jetstream)

    account = _answer(view, StreamsDetail(account=True))
    streams = _answer(view, StreamsDetail(streams=True))["stream_detail"]
    full = _answer(view, StreamsDetail(consumers=True, config=True))["stream_detail"]
    bare = _answer(view, StreamsDetail(consumers=True))["stream_detail"]

    assert "stream_detail" not in account
    assert isinstance(streams, list)
    assert [stream["name"] for stream in streams] == ["A", "B", "M"]
    assert "config" not in streams[0]
    assert isinstance(full, list)
    assert full[0]["config"]["name"] == "A"
    assert len(full[0]["consumer_detail"]) == 20
    assert full[2]["mirror"]["name"] == "A"
    assert isinstance(bare, list)
    assert "config" not in bare[0]["consumer_detail"][0]


def test_what_goes_meanwhile(js: VirtualJetStream) -> None:
    """A stream that is deleted while the answer is made is left out."""
    for number in range(20):
        js.stream(f"N{number:02}")
    steps = JetStreamView(js.jetstream).details(StreamsDetail(streams=True))
    next(steps)
    js.jetstream.catalogue.delete("N19", lambda _failure: None)
    found: list[dict[str, object]] = []

    def follow() -> Generator[None, None, None]:
        found.extend((yield from steps))

    deque(follow(), maxlen=0)
    assert len(found[0]["stream_detail"]) == 19  # type: ignore[arg-type]


def test_health(js: VirtualJetStream) -> None:
    """It is healthy unless it was stopped, something was not recovered, or a disk fails."""
    js.stream()
    view = JetStreamView(js.jetstream)
    assert view.problem() == ""
    log = js.jetstream.catalogue.streams["S"].stream.log
    type(log).failure = StorageFailure.FULL  # type: ignore[method-assign, assignment]
    try:
        assert view.problem() == "JetStream stream '$G > S' cannot store: full"
    finally:
        type(log).failure = None  # type: ignore[method-assign, assignment]
    type(log).lost = Lost((7, 9), 100)  # type: ignore[method-assign, assignment]
    try:
        assert view.problem() == "JetStream stream '$G > S': 2 messages are lost"
    finally:
        type(log).lost = None  # type: ignore[method-assign, assignment]
    js.jetstream.problems.append(StoreProblem("", "damaged"))
    assert view.problem() == "JetStream: damaged"
    js.jetstream.problems.insert(0, StoreProblem("S", "damaged"))
    assert view.problem() == "JetStream stream '$G > S': damaged"
    assert view.problem(server_only=True) == ""
    js.jetstream.stop()
    assert view.problem(server_only=True) == "JetStream is not running"
