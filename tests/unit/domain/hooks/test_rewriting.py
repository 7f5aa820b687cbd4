"""Messages that hooks change."""

from typing import Any

import pytest

from app.domain.dataplane.seam import HookedMessage
from app.domain.hooks.decisions import Rewrite
from app.domain.hooks.rewriting import InvalidRewrite, published, rewritten
from app.domain.limits import Limits

LIMITS = Limits(max_payload=40, max_control_line=24)
BLOCK = b"NATS/1.0\r\na: 1\r\n\r\n"
PLAIN = HookedMessage(b"a", b"re", 0, b"hi")
OTHER_BYTES: Any = bytearray(b"hello")
HEADED = HookedMessage(b"a", b"", len(BLOCK), BLOCK + b"hi")


@pytest.mark.parametrize(
    ("message", "change", "expected"),
    [
        (PLAIN, Rewrite(), b"PUB a re 2\r\nhi\r\n"),
        (PLAIN, Rewrite("b.c", OTHER_BYTES), b"PUB b.c re 5\r\nhello\r\n"),
        (PLAIN, Rewrite(headers={"a": "1"}), b"HPUB a re 18 20\r\n%bhi\r\n" % BLOCK),
        (HEADED, Rewrite(data=b""), b"HPUB a 18 18\r\n%b\r\n" % BLOCK),
        (HEADED, Rewrite(headers={}), b"PUB a 2\r\nhi\r\n"),
    ],
)
def test_changes(message: HookedMessage, change: Rewrite, expected: bytes) -> None:
    """What is not given stays; the reply subject always does."""
    assert expected == published(rewritten(message, LIMITS, change))


BAD_SUBJECT: Any = 5
BAD_DATA: Any = "text"
BAD_HEADERS: Any = ["a"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Rewrite("a..b"), "cannot be published to"),
        (Rewrite("a.*"), "cannot be published to"),
        (Rewrite("a b"), "cannot be published to"),
        (Rewrite(""), "cannot be published to"),
        (Rewrite(BAD_SUBJECT), "its subject is of type int"),
        (Rewrite(data=BAD_DATA), "its data is of type str"),
        (Rewrite(headers={"a b": ""}), "its headers cannot be written"),
        (Rewrite(headers=BAD_HEADERS), "its headers cannot be written"),
        (Rewrite(data=41 * b"x"), "41 bytes exceeds max_payload 40"),
        (Rewrite(headers={"a": 30 * "1"}), "exceeds max_payload 40"),
        (Rewrite(30 * "x"), "exceeds max_control_line 24"),
    ],
)
def test_what_no_client_could_publish(change: Rewrite, text: str) -> None:
    """It is an error of the hook, which says what is wrong."""
    with pytest.raises(InvalidRewrite, match=text):
        rewritten(PLAIN, LIMITS, change)
