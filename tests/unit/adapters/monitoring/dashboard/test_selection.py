"""Selection: the rows that a reader has asked for."""

import pytest

from app.adapters.monitoring.dashboard.findings import ClientRow, Findings, SubjectRow
from app.adapters.monitoring.dashboard.selection import (
    BUSIEST,
    SORTS,
    Choice,
    count_slow,
    select_clients,
    select_subjects,
)
from app.ports.broker_view import ClientStats, ConnectionStats, Profile, Traffic

SLOW = 1000


def row(cid: int, name: str = "", *, pending: int = 0, figure: int = 0, rate: float = 0.0) -> ClientRow:
    """A client; `figure` stands for each of its totals, and `rate` for both of its rates."""
    traffic = Traffic(figure, figure, figure, figure)
    link = ConnectionStats(cid, f"192.0.2.{cid}", cid, -figure, -figure, pending, traffic)
    return ClientRow(ClientStats(link, Profile(name, name, "", ""), figure), rate, rate)


def cids(findings: Findings, choice: Choice) -> list[int]:
    """Who is on the page."""
    return [found.stats.connection.cid for found in select_clients(findings, choice, SLOW).rows]


@pytest.mark.parametrize("sort", SORTS)
def test_every_column_sorts_both_ways(sort: str) -> None:
    """Each column puts the smallest first or the largest first, as is asked for."""
    rows = [row(2, "b", pending=2, figure=2, rate=2.0), row(1, "a", pending=1, figure=1, rate=1.0)]
    findings = Findings(0.0, rows)

    assert [1, 2] == cids(findings, Choice(sort=sort, descending=False))
    assert [2, 1] == cids(findings, Choice(sort=sort, descending=True))


def test_ports_sort_as_numbers() -> None:
    """Port 9 comes before port 10 of the same address."""
    rows = [
        ClientRow(ClientStats(_link(cid, port), Profile("", "", "", ""), 0))
        for cid, port in ((1, 10), (2, 9))
    ]

    assert [2, 1] == cids(Findings(0.0, rows), Choice(sort="address", descending=False))


def _link(cid: int, port: int) -> ConnectionStats:
    return ConnectionStats(cid, "192.0.2.1", port, 0.0, 0.0, 0, Traffic(0, 0, 0, 0))


def test_unknown_rates_sort_as_zero() -> None:
    """A client whose rate is not known yet stands with those who are silent."""
    findings = Findings(0.0, [ClientRow(row(1).stats), row(2, rate=0.5)])

    assert [2, 1] == cids(findings, Choice(sort="to_rate"))


@pytest.mark.parametrize("descending", [False, True])
def test_equals_keep_the_order_of_arrival(descending: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    """Rows that are equal do not swap places from one answer to the next."""
    findings = Findings(0.0, [row(1), row(2), row(3)])

    assert [1, 2, 3] == cids(findings, Choice(sort="pending", descending=descending))


def test_filter_in_any_case() -> None:
    """A part of a name is enough, and capitals make no difference."""
    findings = Findings(0.0, [row(1, "Orders-API"), row(2, "billing"), row(3, "reorders")])

    part = select_clients(findings, Choice(sort="cid", descending=False, text="ORDERS"), SLOW)

    assert [1, 3] == [found.stats.connection.cid for found in part.rows]
    assert (2, 3) == (part.matched, part.total)


def test_slow_ones_only() -> None:
    """Slow is who has as much pending as makes its publishers wait."""
    findings = Findings(0.0, [row(1, pending=SLOW), row(2, pending=SLOW - 1)])

    assert [1] == cids(findings, Choice(slow=True))
    assert 1 == count_slow(findings, SLOW)


@pytest.mark.parametrize(
    ("asked", "got", "first"), [(0, 0, 1), (10, 10, 11), (24, 24, 25), (25, 20, 21), (9999, 20, 21)]
)
def test_pages(asked: int, got: int, first: int) -> None:
    """A page begins where it is asked to; who asks beyond the end gets the last page there is."""
    findings = Findings(0.0, [row(cid) for cid in range(1, 26)])

    part = select_clients(findings, Choice(sort="cid", descending=False, offset=asked, limit=10), SLOW)

    assert (got, first) == (part.offset, part.rows[0].stats.connection.cid)


def test_nobody() -> None:
    """Without clients the page is empty, wherever it was asked to begin."""
    part = select_clients(Findings(0.0), Choice(offset=50), SLOW)

    assert ([], 0, 0) == (part.rows, part.offset, part.matched)


def subjects(*rates: tuple[str, float | None, int]) -> Findings:
    """Findings of subjects, with their rates and totals."""
    return Findings(0.0, [], {name: SubjectRow(name, 1, total, rate) for name, rate, total in rates})


def test_the_busiest_subjects_first() -> None:
    """What is delivered most now comes first; among equals, what was delivered most so far."""
    findings = subjects(("a", 1.0, 5), ("b", 2.0, 1), ("c", None, 9), ("d", 0.0, 10))

    part = select_subjects(findings, Choice())

    assert ["b", "a", "d", "c"] == [found.subject for found in part.rows]


def test_many_subjects_are_cut() -> None:
    """However many subjects there are, the list is short and says how many there are."""
    findings = subjects(*((f"s.{number}", float(number), 0) for number in range(100)))

    part = select_subjects(findings, Choice())

    assert (BUSIEST, 100, 100) == (len(part.rows), part.matched, part.total)


def test_subjects_by_a_part_of_their_name() -> None:
    """A subject is found by a part of it, in any case."""
    part = select_subjects(subjects(("Orders.new", 0.0, 0), ("mail", 0.0, 0)), Choice(subject="oRDERS"))

    assert (["Orders.new"], 1, 2) == ([found.subject for found in part.rows], part.matched, part.total)
