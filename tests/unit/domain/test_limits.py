"""Unit tests of the limits (client-protocol.md, sections 11, 12 and 15)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.limits import (
    HOLD_BYTES,
    HOLD_SECONDS,
    MAX_SIZE_DIGITS,
    ROUTE_LINE,
    ROUTE_PAYLOAD,
    Limits,
    fitting_pending,
    longest_message,
    route_line,
    route_payload,
)


def test_the_defaults_are_those_of_gnatsd() -> None:
    """Bytes and seconds as operators know them."""
    expected = Limits(
        max_connections=65_536,
        max_control_line=1024,
        max_payload=1_048_576,
        max_pending=10_485_760,
        ping_interval=120.0,
        ping_max=2,
        write_deadline=2.0,
        auth_timeout=1.0,
    )

    assert expected == Limits()


@pytest.mark.parametrize(
    ("max_pending", "hold_above"),
    [(10_485_760, 1_048_576), (2_097_152, 1_048_576), (2_097_151, 1_048_575), (1000, 500), (1, 0)],
)
def test_when_publishers_are_held_back(max_pending: int, hold_above: int) -> None:
    """At a mebibyte that one receiver has pending, or at half of what it may have."""
    assert hold_above == Limits(max_pending=max_pending, max_payload=1000).hold_above


@pytest.mark.parametrize("max_payload", [1_048_576, 1_046_600, 4_000_000])
def test_one_message_is_not_held_back(max_payload: int) -> None:
    """A receiver is not congested by a single message, the largest one that its line allows."""
    limits = Limits(max_payload=max_payload)
    subject_and_reply, sid = 1024 - len(" 1048576"), 1024 - len("a ")
    message = len("MSG ") + subject_and_reply + 1 + sid + len(" 1048576\r\n") + max_payload + len("\r\n")

    assert message <= limits.hold_above < message + 16


@given(st.integers(1, 10**12))
def test_publishers_are_held_back_before_a_receiver_is_cut(max_pending: int) -> None:
    """The mark lies below the limit, so that there is room for what is under way."""
    assert 0 <= Limits(max_pending=max_pending).hold_above < max_pending
    assert Limits(max_pending=max_pending, max_payload=-1).hold_above <= HOLD_BYTES


@given(st.integers(-1, 2**30), st.integers(1, 2**16))
def test_one_message_always_fits(max_payload: int, max_control_line: int) -> None:
    """Where nobody has chosen a bound, the longest message leaves room for a mebibyte more."""
    bound = fitting_pending(max_payload, None, max_control_line)

    assert bound >= Limits().max_pending
    assert bound >= longest_message(max_payload, max_control_line) + HOLD_BYTES


def test_a_chosen_bound_stays() -> None:
    """Who chooses a bound has it, and those who publish small messages have the usual one."""
    assert 5 == fitting_pending(1_048_576, 5)
    assert Limits().max_pending == fitting_pending(1_048_576, None)


def test_a_hold_ends_before_the_write_deadline() -> None:
    """Publishers go on before their slow receiver is cut."""
    assert 0 < HOLD_SECONDS < Limits().write_deadline


def test_a_size_of_the_most_digits_is_a_machine_number() -> None:
    """What is read as a number fits into 64 bits with a sign, in either twin."""
    assert 10**MAX_SIZE_DIGITS < 2**63


@pytest.mark.parametrize(
    ("clients", "routes"),
    [
        (0, ROUTE_PAYLOAD),
        (ROUTE_PAYLOAD - 1, ROUTE_PAYLOAD),
        (ROUTE_PAYLOAD, ROUTE_PAYLOAD),
        (ROUTE_PAYLOAD + 1, ROUTE_PAYLOAD + 1),
        (-1, -1),
    ],
)
def test_the_largest_payload_of_a_route(clients: int, routes: int) -> None:
    """At least 64 MiB, and never less than clients may send; no limit where they have none."""
    assert routes == route_payload(clients)


@given(st.integers(1, 10**9))
def test_a_route_bears_every_line_that_clients_can_cause(limit: int) -> None:
    """A MSG of the longest PUB and the longest sid fits, and 64 KiB do in any case."""
    longest = limit + len(" QRSID:18446744073709551615:") + limit

    assert max(ROUTE_LINE, longest) <= route_line(limit)
