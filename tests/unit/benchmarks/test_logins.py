"""Unit tests of the table about logins."""

from benchmarks.logins import Flood, table


def test_the_table() -> None:
    """Each server has a line, times in milliseconds, the slowest round trips on the right."""
    floods = [
        Flood("native", 200, 29.04, [50_000, 150_000], [100_000, 300_000, 2_500_000]),
        Flood("peer", 199, 15.0, [60_000], [70_000]),
    ]

    assert (
        "server  refused  seconds  median (ms)  slowest (ms)  slowest before (ms)\n"
        "native      200     29.0         0.30          2.50                 0.15\n"
        "  peer      199     15.0         0.07          0.07                 0.06\n"
    ) == table(floods)
