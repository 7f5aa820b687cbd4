"""The pure part of the soak: slopes, bounds and the report."""

import pytest

from soak.__main__ import parse
from soak.figures import BOUNDS, Bound, Sample, Slope, passed_bounds, report, second_half, slopes


def samples(*memory: float, every: float = 60.0, descriptors: int = 30) -> list[Sample]:
    """Samples with these memory figures, and constant other ones."""
    return [
        Sample(number * every, value, 0.0, descriptors, 4, 3, 1.5) for number, value in enumerate(memory, 1)
    ]


def test_a_straight_line_has_its_own_slope() -> None:
    """A figure that grows by one per minute grows by ten in ten minutes."""
    slope = slopes(samples(50, 51, 52, 53, 54, 55, 56, 57, 58, 59))["memory (MiB)"]

    assert 10.0 == pytest.approx(slope.per_ten_minutes)
    assert 5.0 == pytest.approx(slope.growth)
    assert 59 == slope.last


def test_the_first_half_does_not_count() -> None:
    """Growth while caches warm up is no leak."""
    slope = slopes(samples(10, 20, 30, 40, 50, 50, 50, 50, 50, 50))["memory (MiB)"]

    assert 0.0 == pytest.approx(slope.per_ten_minutes)


def test_the_line_is_the_nearest() -> None:
    """Noise on both sides of a level is no growth."""
    slope = slopes(samples(0, 0, 0, 51, 49, 49, 51))["memory (MiB)"]

    assert 0.0 == pytest.approx(slope.per_ten_minutes)


@pytest.mark.parametrize("count", [0, 1])
def test_few_samples_have_no_slope(count: int) -> None:
    """Fewer than two samples have no slope, and pass no bound."""
    assert {} == slopes(samples(*[1.0] * count))
    assert [] == passed_bounds({})


def test_the_second_half_begins_in_the_middle() -> None:
    """The second half has the samples from the middle of the duration on."""
    assert [120.0, 180.0, 240.0] == [sample.seconds for sample in second_half(samples(1, 1, 1, 1))]


@pytest.mark.parametrize(
    ("per_ten_minutes", "growth", "passed"),
    [(5.0, 100.0, False), (100.0, 3.0, False), (11.0, 5.0, True), (10.0, 5.0, False), (-20.0, -10.0, False)],
)
def test_a_bound_needs_a_slope_and_a_growth(per_ten_minutes: float, growth: float, *, passed: bool) -> None:
    """A small growth in a short soak passes no bound, and neither does a decrease."""
    assert passed is Bound(10.0, 4.0).is_passed_by(Slope(per_ten_minutes, growth, 50.0))


def test_only_memory_and_descriptors_decide() -> None:
    """A growing lateness, on a busy machine, is no failure; a leak of descriptors is."""
    steep = Slope(10_000.0, 10_000.0, 1.0)

    assert {"without plans", "descriptors"} == set(BOUNDS)
    assert [] == passed_bounds({"lateness (ms)": steep, "threads": steep, "tasks": steep})
    assert ["descriptors: grew by 10000.0 in 10 minutes, at most 32"] == passed_bounds({"descriptors": steep})


def test_the_report() -> None:
    """The load, each slope beside its bound, and the worst lateness are printed."""
    taken = [*samples(50, 50), Sample(180.0, 50, 0.0, 30, 4, 3, 250.0), *samples(50)]

    text = report(taken, {"wrong logins": 1234})

    assert "     1,234  wrong logins\n" in text
    assert "without plans         50.0       +0.00      16\n" in text
    assert "worst lateness of the probe: 250.0 ms, 180 s after the start\n" in text


def test_ten_minutes_are_the_default() -> None:
    """Without options a soak takes ten minutes; a shorter one has its own length."""
    assert 600.0 == parse([]).seconds
    assert 60.0 == parse(["--seconds", "60"]).seconds


def test_a_soak_too_short_for_a_slope_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    """A duration with fewer than two samples is an error of the command line."""
    with pytest.raises(SystemExit):
        parse(["--seconds", "1"])

    assert "--seconds must be at least 2" in capsys.readouterr().err


def test_the_plan_cache_is_no_leak() -> None:
    """What the plan cache takes, up to its own bound, does not count as growth of the memory."""
    taken = [Sample(number * 60.0, 50.0 + number * 3, number * 3.0, 30, 4, 3, 1.5) for number in range(10)]

    assert 0.0 == pytest.approx(slopes(taken)["without plans"].per_ten_minutes)
    assert not passed_bounds(slopes(taken))
