"""What the headers of a message say about a trace."""

import pytest

from app.domain.dataplane.seam import HookedMessage
from app.domain.message_trace.request import MOST_FIELDS, read_request, untraced

BLOCK = b"NATS/1.0\r\nNats-Trace-Dest: t.x \r\nA: 1\r\nA:2\r\nE:\r\nNats-Trace-Only:TRUE\r\n\r\n"


class CountedBytes(bytes):
    """Bytes that count how many of them are copied."""

    copied = 0

    def _counted(self, part: bytes) -> "CountedBytes":
        CountedBytes.copied += len(part)
        return CountedBytes(part)

    def __getitem__(self, key: object) -> "CountedBytes":  # type: ignore[override]
        return self._counted(super().__getitem__(key))  # type: ignore[call-overload]

    def removeprefix(self, prefix: bytes, /) -> "CountedBytes":  # type: ignore[override]
        """As `bytes` does."""
        return self._counted(super().removeprefix(prefix))

    def partition(self, sep: bytes, /) -> tuple[bytes, bytes, bytes]:  # type: ignore[override]
        """As `bytes` does."""
        before, found, after = super().partition(sep)
        return self._counted(before), found, self._counted(after)

    def lstrip(self, characters: bytes | None = None, /) -> "CountedBytes":  # type: ignore[override]
        """As `bytes` does."""
        return self._counted(super().lstrip(characters))


def test_many_fields_cost_no_more_than_their_size() -> None:
    """Each byte of the block is copied once or twice, however many fields there are."""
    block = b"NATS/1.0\r\nNats-Trace-Dest:t\r\n" + 1023 * b"a:b\r\n" + b"\r\n"

    request = read_request(CountedBytes(block))

    assert request is not None
    assert 1023 * ["b"] == request.header["a"]
    assert 0 < CountedBytes.copied < 2 * len(block)


def test_all_fields_are_read() -> None:
    """Names keep their case, values lose blanks, and empty ones are left out."""
    request = read_request(BLOCK)

    assert request is not None
    assert (b"t.x", True, "") == (request.dest, request.only, request.first("E"))
    assert {"Nats-Trace-Dest": ["t.x"], "A": ["1", "2"], "Nats-Trace-Only": ["TRUE"]} == request.header


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"NATS/1.0 503\r\nNats-Trace-Dest:t\r\n\r\n",
        b"NATS/1.0\r\nNats-Trace-Dest:\r\n\r\n",
        b"NATS/1.0\r\nnats-trace-dest:t\r\n\r\n",
        b"NATS/1.0\r\nNats-Trace-Dest:trace disabled\r\n\r\n",
        b"NATS/1.0\r\nfolded\r\n Nats-Trace-Dest:t\r\n\r\n",
        b"NATS/1.0\r\nNats-Trace-Dest:t",
    ],
)
def test_what_is_no_trace(block: bytes) -> None:
    """Without a destination, or with tracing disabled, nothing is asked for."""
    assert read_request(block) is None


def test_a_destination_before_others() -> None:
    """The first destination counts, as in nats-server, also where a later one disables tracing."""
    request = read_request(b"NATS/1.0\r\nNats-Trace-Dest:t\r\nNats-Trace-Dest:trace disabled\r\n\r\n")

    assert request is not None
    assert b"t" == request.dest


@pytest.mark.parametrize(
    ("fields", "only"),
    [
        (b"Nats-Trace-Dest: t", False),
        (b"Nats-Trace-Dest:t\r\nNats-Trace-Only: 0", False),
        (b"Nats-Trace-Dest:\r\nNats-Trace-Only: On \r\nNats-Trace-Dest:t", True),
        (b"Nats-Trace-Dest: trace disabled \r\nNats-Trace-Only:1", None),
        (b"Nats-Trace-Only:1", None),
    ],
)
def test_too_many_fields(fields: bytes, *, only: bool | None) -> None:
    """They name no destination; whether there is one, and what is only to be traced, still counts."""
    block = b"NATS/1.0\r\n%b%b\r\n\r\n" % (MOST_FIELDS * b"x:x\r\n", fields)

    request = read_request(block)

    assert only == (None if request is None else request.only)
    assert request is None or not request.has_subject()


@pytest.mark.parametrize(
    ("dest", "is_subject", "for_servers"),
    [
        (b"t", True, False),
        (b"t.*", False, False),
        (b"t..x", False, False),
        (b"t x", False, False),
        (b"t\rx", False, False),
        (b"$GR.x", True, True),
        (b"$NRG.x", True, True),
    ],
)
def test_destinations(dest: bytes, *, is_subject: bool, for_servers: bool) -> None:
    """A destination is a subject without wildcards, and some are of servers alone."""
    request = read_request(b"NATS/1.0\r\nNats-Trace-Dest:%b\r\n\r\n" % dest)

    assert request is not None
    assert (is_subject, for_servers) == (request.has_subject(), request.is_for_servers())


def test_a_message_that_others_do_not_trace() -> None:
    """All destinations are replaced by one that disables tracing, at the end, as in nats-server."""
    message = HookedMessage(b"a", b"", len(BLOCK), BLOCK + b"hi")

    new = untraced(message)

    assert read_request(new.payload[: new.header]) is None
    assert new.payload.endswith(b"Nats-Trace-Only:TRUE\r\nNats-Trace-Dest: trace disabled\r\n\r\nhi")
    assert len(new.payload) - 2 == new.header


@pytest.mark.parametrize(
    ("value", "hop"),
    [(b"1", "1"), (b"2.10.1", "2.10.1"), (b"1.", ""), (b"x", ""), ("\u0663".encode(), ""), (257 * b"1", "")],
)
def test_hops(value: bytes, hop: str) -> None:
    """The way to this server is numbers with dots; what else is there, and what is long, is none."""
    request = read_request(b"NATS/1.0\r\nNats-Trace-Dest:t\r\nNats-Trace-Hop: %b\r\n\r\n" % value)

    assert request is not None
    assert hop == request.hop
