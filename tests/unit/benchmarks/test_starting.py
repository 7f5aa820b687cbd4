"""The table of starts."""

from benchmarks.starting import Line, Times, table


def test_medians() -> None:
    """Medians of starts are given in milliseconds."""
    line = Line("a server", [Times(0.001, 0.002, 0.1), Times(0.003, 0.004, 0.2), Times(0.9, 0.9, 0.3)])

    text = table([line, Line("the first import", [Times(0.2, 0.0, 0.1)])])

    assert "| a server | 3.0 | 1.0 | 4.0 | 200.0 |" in text
    assert "| the first import | 200.0 | 200.0 |  | 100.0 |" in text
