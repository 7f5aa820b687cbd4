"""When something grows."""

from dataclasses import replace

import pytest

from benchmarks.holding import Growth, Holding, Limits, slope

HELD = Holding(kibibytes=1000, descriptors=9, tasks=1, threads=2, objects=5000, leftovers=0)


def grown(**more: int) -> Growth:
    """After a hundred servers more is held than before."""
    last = replace(HELD, **{name: getattr(HELD, name) + value for name, value in more.items()})
    return Growth("Servers", "server", (0, 100), (HELD, last), Limits(kibibytes=1.0, objects=0.5))


@pytest.mark.parametrize(
    ("more", "leaks"),
    [
        ({}, []),
        ({"kibibytes": 100, "objects": 50}, []),
        ({"kibibytes": 1000}, []),
        ({"kibibytes": 1025}, ["memory (KiB)"]),
        ({"objects": 51, "threads": 1}, ["threads", "objects"]),
        ({"descriptors": 1, "tasks": 1, "leftovers": 1}, ["descriptors", "tasks", "left over"]),
        ({"descriptors": -1}, []),
    ],
)
def test_what_grows(more: dict[str, int], leaks: list[str]) -> None:
    """Memory may by a megabyte, and objects by a little; all else not at all."""
    assert leaks == grown(**more).leaks()


def test_the_table() -> None:
    """It has the first and the last figure, the slope, and what is made of it."""
    text = grown(objects=100).table()

    assert "Servers: 100" in text
    assert "| objects | 5,000 | 5,100 | +1.0000 | grows |" in text
    assert "| threads | 2 | 2 | +0.0000 | flat |" in text


def test_a_slope() -> None:
    """The slope is that of a straight line, and one point has none."""
    assert (0.0, 2.0, -0.5) == (slope([1], [5]), slope([0, 1, 2], [1, 3, 5]), slope([0, 2], [1, 0]))
