"""Rates: the difference of two answers, by the time between them."""

from app.adapters.top.rates import Meter, TrafficRates
from tests.fakes.top_source import client, server


def test_the_first_answer() -> None:
    """With one answer there is no rate to tell."""
    reading = Meter().read(10.0, server(100), (client(1, total=5),))

    assert (None, {}) == (reading.rates, reading.client_rates)


def test_what_was_added() -> None:
    """A rate is what was added since the answer before, per second."""
    meter = Meter()
    meter.read(10.0, server(100), (client(1, total=5),))

    reading = meter.read(12.0, server(150), (client(1, total=9),))

    assert TrafficRates(25.0, 25.0, 25.0, 25.0) == reading.rates
    assert {1: TrafficRates(2.0, 2.0, 2.0, 2.0)} == reading.client_rates


def test_a_newcomer() -> None:
    """A client that was not there before has no rate yet."""
    meter = Meter()
    meter.read(10.0, server(), ())

    assert {} == meter.read(11.0, server(), (client(1, total=9),)).client_rates


def test_a_server_with_another_id() -> None:
    """A server that was started again is another one, even if it counts higher by now."""
    meter = Meter()
    meter.read(10.0, server(100), (client(1),))

    reading = meter.read(11.0, server(500, server_id="OTHER"), (client(1, total=9),))

    assert (None, {}) == (reading.rates, reading.client_rates)


def test_a_server_that_counts_from_zero() -> None:
    """Totals that fall are those of a new start, and no rate comes of it."""
    meter = Meter()
    meter.read(10.0, server(100), ())

    assert None is meter.read(11.0, server(99), ()).rates
    assert TrafficRates(1.0, 1.0, 1.0, 1.0) == meter.read(12.0, server(100), ()).rates


def test_a_number_that_is_given_again() -> None:
    """A client whose totals fell, for whatever reason, has a rate of zero and none below."""
    meter = Meter()
    meter.read(10.0, server(), (client(1, total=9),))

    assert TrafficRates() == meter.read(11.0, server(), (client(1, total=2),)).client_rates[1]


def test_two_answers_at_once() -> None:
    """Answers at the same moment make a large rate, not an error."""
    meter = Meter()
    meter.read(10.0, server(0), ())

    reading = meter.read(10.0, server(1), ())

    assert reading.rates is not None
    assert 1000.0 == reading.rates.in_msgs
