"""Unit tests of the bodies of pull requests."""

import pytest

from app.domain.jetstream.consumers.requests import CACHED, BadRequest, PullOptions, PullRequest, parse_pull

SECOND = 10**9


@pytest.mark.parametrize(
    ("body", "options"),
    [
        (b"", PullOptions()),
        (b"  ", PullOptions()),
        (b"5", PullOptions(batch=5)),
        (b"-3", PullOptions()),
        (b"many", PullOptions()),
        (b"{}", PullOptions(names_group=True, says_batch=False)),
        (b'{"batch":0,"max_bytes":-4}', PullOptions(names_group=True, says_batch=False)),
        (
            b'{"batch":2,"expires":20,"no_wait":true,"max_bytes":9,"idle_heartbeat":10,"other":1}',
            PullOptions(2, 20, no_wait=True, max_bytes=9, idle_heartbeat=10, names_group=True),
        ),
        (
            b'{"group":"g","min_pending":1,"min_ack_pending":2,"id":"i","priority":3}',
            PullOptions(
                names_group=True,
                group="g",
                min_pending=1,
                min_ack_pending=2,
                id="i",
                priority=3,
                says_batch=False,
            ),
        ),
    ],
)
def test_bodies(body: bytes, options: PullOptions) -> None:
    """Nothing, a number, or an object whose unknown fields do no harm."""
    assert options == parse_pull(body)


def test_long_bodies_are_understood_too() -> None:
    """They are not kept."""
    assert 7 == parse_pull(b'{"batch":7}' + b" " * CACHED).batch


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "unexpected end of JSON input"),
        (b"{bad", "invalid character 'b' looking for beginning of object key string"),
        (b'{"batch":"x"}', "cannot unmarshal string"),
        (b'{"idle_heartbeat":11,"expires":20}', "heartbeat value too large"),
        (b'{"idle_heartbeat":1}', "heartbeat value too large"),
    ],
)
def test_bad_bodies(body: bytes, words: str) -> None:
    """The client reads why."""
    with pytest.raises(BadRequest, match=words):
        parse_pull(body)


def test_when_something_is_due() -> None:
    """A heartbeat or the end, whichever is first."""
    plain = PullRequest(b"r", PullOptions(), 100, None)
    expiring = PullRequest(b"r", PullOptions(expires=20), 100, None)
    beating = PullRequest(b"r", PullOptions(expires=20, idle_heartbeat=5), 100, None)
    assert [0, 120, 105] == [request.next_due for request in (plain, expiring, beating)]


def test_what_ends_with_the_stream() -> None:
    """`no_wait`; with an end only after the first message."""
    ends = PullRequest(b"r", PullOptions(no_wait=True), 0, None)
    waits = PullRequest(b"r", PullOptions(no_wait=True, expires=9), 0, None)
    assert ends.ends_with_stream
    assert not waits.ends_with_stream
    waits.delivered = 1
    assert waits.ends_with_stream
