"""What JetStream logs."""

from app.domain.jetstream.events import JetStreamStarting, StreamProblem, StreamRecovered


def test_sentences() -> None:
    """They name what they are about."""
    assert StreamProblem(None, "S", "bad").text() == "JetStream: stream S: bad"
    assert StreamProblem(None, "", "bad").text() == "JetStream: bad"
    assert "5 messages and 2 consumers of stream S in 1 ms" in StreamRecovered(None, "S", 5, 2, 1).text()
    assert "max memory 1 GB" in JetStreamStarting(None, "1 GB", "2 GB", "in memory").text()
