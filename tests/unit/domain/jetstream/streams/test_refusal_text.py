"""Why a message is refused, as trace events say it."""

import pytest

from app.domain.jetstream.errors import JetStreamError
from app.domain.jetstream.streams.admission import WrongSubjectSequence
from app.domain.jetstream.streams.refusal_text import refusal_text
from tests.fakes.stream_host import block

EXPECTED = block(
    {
        "Nats-Expected-Last-Sequence": "3",
        "Nats-Expected-Last-Subject-Sequence": "x",
        "Nats-Expected-Last-Msg-Id": r'a"b\c',
    }
)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (JetStreamError(10023), "insufficient resources (10023)"),
        (JetStreamError(10054), "maximum payload exceeded"),
        (JetStreamError(10077, "maximum bytes exceeded"), "maximum bytes exceeded"),
        (JetStreamError(10070, "z"), r'last msgid mismatch: "a\"b\\c" vs "z"'),
        (JetStreamError(10071, 5), "last sequence mismatch: 3 vs 5"),
        (JetStreamError(10164), "last sequence mismatch"),
        (
            WrongSubjectSequence(10071, 5),
            "last sequence by subject mismatch: 18446744073709551615 vs 5",
        ),
        (WrongSubjectSequence(10164), "last sequence by subject mismatch"),
    ],
)
def test_texts(error: JetStreamError, text: str) -> None:
    """They are those of nats-server, and differ from the answers."""
    assert text == refusal_text(error, EXPECTED)


def test_what_another_message_expects() -> None:
    """The last message of a batch may be refused for another one, whose numbers it does not have."""
    assert "last sequence mismatch" == refusal_text(JetStreamError(10071, 5), b"")
