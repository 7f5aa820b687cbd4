"""What the process takes."""

import os
from pathlib import Path

from app.adapters.monitoring.process_figures import ProcessFigures
from tests.support.steps import counted, finished


def test_processor_time() -> None:
    """CPU is the share of the last window, with one decimal; before it, none."""
    now, spent = [10.0], [3.0]
    figures = ProcessFigures(lambda: now[0], lambda: spent[0])
    assert 0.0 == figures.cpu

    now[0], spent[0] = 12.0, 3.247
    figures.sample()
    assert 12.3 == figures.cpu

    now[0] = 13.0
    figures.sample()
    assert 0.0 == figures.cpu


def test_an_empty_window_tells_nothing() -> None:
    """Two samples in one moment leave the figure as it was."""
    figures = ProcessFigures(lambda: 1.0, lambda: 2.0)

    figures.sample()

    assert 0.0 == figures.cpu


def test_memory(tmp_path: Path) -> None:
    """Memory is what the kernel counts in pages; without its file, the most there ever was."""
    statm = tmp_path / "statm"
    statm.write_text("900 321 100 1 0 200 0\n")

    assert 321 * os.sysconf("SC_PAGE_SIZE") == ProcessFigures(statm=statm).memory()
    assert 1_000_000 < ProcessFigures(statm=tmp_path / "missing").memory()


def test_cores() -> None:
    """A process may run on all cores, or on some of them."""
    figures = ProcessFigures()

    assert 1 <= figures.usable_cores() <= figures.cores()


def test_descriptors(tmp_path: Path) -> None:
    """Open descriptors are counted in steps; one of them is that of the count itself."""
    for number in range(300):
        (tmp_path / str(number)).touch()
    figures = ProcessFigures(descriptors=tmp_path)

    assert 3 <= figures_in_steps(figures) or tmp_path.stat().st_size
    assert finished(ProcessFigures(descriptors=tmp_path / "missing").open_descriptors()) is None
    assert 3 <= (finished(ProcessFigures().open_descriptors()) or 3)
    assert 0 < ProcessFigures().most_descriptors()


def figures_in_steps(figures: ProcessFigures) -> int:
    """The pauses of a count, and one."""
    return 1 + counted(figures.open_descriptors())[0]
