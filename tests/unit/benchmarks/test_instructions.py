"""Instructions per message: rows played without sockets, and the counts that callgrind writes."""

from collections import Counter

import pytest

from app.domain.dataplane import PYTHON
from benchmarks.client import RowFailed
from benchmarks.in_memory import (
    CountingWire,
    Exchange,
    asked,
    asked_over_a_link,
    exchanges,
    linked,
    published,
    staged,
)
from benchmarks.instructions import WITHOUT_VALGRIND, Counts, counts_of, main, table
from benchmarks.shape import Shape
from tests.support.twins import twins

DUMP = """\
events: Ir
fl=(1) native.c
fn=(1) __pyx_f_7pynatsd_6domain_9dataplane_6native_9DataPlane_scan
12 100
+3 20
cfn=(2) _PyEval_EvalFrameDefault'2
calls=4 90
+1 5000
* 7
fn=(2)
9 30
fn=(3) _PyEval_EvalFrameDefault
-2 3

totals: 160
"""


@pytest.mark.parametrize("twin", twins())
@pytest.mark.parametrize(
    "exchange",
    [
        published("group", Shape(subscribers=4, grouped=True, size=2000)),
        asked("requests", 3),
        *(
            linked(f"{way} a leaf", shape, to_leaf=way == "to")
            for way in ("to", "from")
            for shape in (Shape(subscribers=1, grouped=True), Shape(subscribers=1, headers=2))
        ),
        asked_over_a_link("a request to a leaf"),
    ],
    ids=lambda exchange: exchange.title,
)
def test_a_row_is_played_over_and_over(exchange: Exchange, twin: str) -> None:
    """All that a row has arrives, in each of its rounds, with either twin."""
    with staged(exchange, twin) as stage:
        stage.play(1)
        stage.play(2)

        assert 2 * exchange.delivered == stage.arrived


def test_a_row_that_loses_messages_fails() -> None:
    """A row whose messages have not all arrived has no figure."""
    one = published("one", Shape(subscribers=1, size=60_000))
    lost = Exchange(one.title, one.openings[:1], one.reads, one.messages, one.delivered)

    with (
        staged(lost, PYTHON) as stage,
        pytest.raises(RowFailed, match=f"one: 0 bytes arrived, and {one.delivered} should have"),
    ):
        stage.play(1)


def test_a_server_that_ends_a_link_fails_the_row() -> None:
    """No row has a reason to close a connection."""
    with pytest.raises(RowFailed):
        CountingWire().close()


def test_titles_of_rows() -> None:
    """Each row has a title of its own, by which it is chosen."""
    titles = [one.title for one in exchanges()]

    assert len(titles) == len(set(titles))


def test_counts_of_functions() -> None:
    """A function's own instructions are counted, without those it calls, under the name in the source."""
    functions = Counter({"DataPlane_scan": 127, "_PyEval_EvalFrameDefault": 33})

    assert Counts(160, functions) == counts_of(DUMP.splitlines())


def test_the_table() -> None:
    """A line for each row, and one for each of its largest functions."""
    counts = Counts(2_500, Counter(small=1, large=2_000))
    lines = ["instructions per message", "   1,250.0  a row", "   1,000.0      large", ""]

    assert "\n".join(lines) == table([("a row", 2, counts)], 1)


def test_without_valgrind(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where valgrind is missing, that is said, with what to do."""
    monkeypatch.setenv("PATH", "")

    assert 1 == main([])
    assert WITHOUT_VALGRIND == capsys.readouterr().err
