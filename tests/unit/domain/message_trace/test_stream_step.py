"""The step of a stream in a trace event."""

from app.domain.message_trace.stream_step import StreamStep


def test_a_message_that_is_stored() -> None:
    """The step says where, at what time, and whether somebody wants it."""
    fields: dict[str, object] = {"stream": "S"}
    ended: list[bool] = []
    step = StreamStep(fields, lambda: 1_500_000_000, lambda: ended.append(True), only=False)

    step.passed(b"a", is_wanted=True)
    assert {"stream": "S", "ts": "1970-01-01T00:00:01.5Z", "subject": "a"} == fields
    step.passed(b"b", is_wanted=False)
    assert {"stream": "S", "ts": "1970-01-01T00:00:01.5Z", "subject": "b", "nointerest": True} == fields
    assert not ended
    step.end()
    assert ended
    assert "error" not in fields


def test_a_message_that_is_refused() -> None:
    """The step says why."""
    fields: dict[str, object] = {}
    StreamStep(fields, lambda: 0, lambda: None, only=True).end("no room")

    assert {"error": "no room"} == fields
