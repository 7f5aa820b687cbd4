"""Selection: the rows that a reader has asked for."""

from dataclasses import replace

import pytest

from app.adapters.monitoring.dashboard.findings import BUSIEST, STEP, ClientRow, Findings, SubjectRow
from app.adapters.monitoring.dashboard.selection import (
    SORTS,
    Choice,
    Part,
    select_clients,
    select_subjects,
)
from app.ports.broker_view import ClientStats, ConnectionStats, Profile, Traffic
from tests.support.steps import finished

SLOW = 1000


def row(cid: int, name: str = "", *, pending: int = 0, figure: int = 0, rate: float = 0.0) -> ClientRow:
    """A client; `figure` stands for each of its totals, and `rate` for both of its rates."""
    traffic = Traffic(figure, figure, figure, figure)
    link = ConnectionStats(cid, f"192.0.2.{cid}", cid, -figure, -figure, pending, traffic)
    return ClientRow(ClientStats(link, Profile(name, name, "", ""), figure), rate, rate)


def page(findings: Findings, choice: Choice) -> Part[ClientRow]:
    """The page of clients."""
    return finished(select_clients(findings, choice))


def cids(findings: Findings, choice: Choice) -> list[int]:
    """Who is on the page."""
    return [found.stats.connection.cid for found in page(findings, choice).rows]


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

    part = page(findings, Choice(sort="cid", descending=False, text="ORDERS"))

    assert [1, 3] == [found.stats.connection.cid for found in part.rows]
    assert (2, 3) == (part.matched, part.total)


def test_slow_ones_only() -> None:
    """Slow is who has as much pending as makes its publishers wait."""
    findings = Findings(0.0, [row(1, pending=SLOW), row(2, pending=SLOW - 1)], slow_above=SLOW)

    assert [1] == cids(findings, Choice(slow=True))


@pytest.mark.parametrize(
    ("asked", "got", "first"), [(0, 0, 1), (10, 10, 11), (24, 24, 25), (25, 20, 21), (9999, 20, 21)]
)
def test_pages(asked: int, got: int, first: int) -> None:
    """A page begins where it is asked to; who asks beyond the end gets the last page there is."""
    findings = Findings(0.0, [row(cid) for cid in range(1, 26)])

    part = page(findings, Choice(sort="cid", descending=False, offset=asked, limit=10))

    assert (got, first) == (part.offset, part.rows[0].stats.connection.cid)


def test_nobody() -> None:
    """Without clients the page is empty, wherever it was asked to begin."""
    part = page(Findings(0.0), Choice(offset=50))

    assert ([], 0, 0) == (part.rows, part.offset, part.matched)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("offset", [0, 990, 2 * STEP + 3])
def test_many_clients_are_sorted_in_steps(descending: bool, offset: int) -> None:  # noqa: FBT001 - of pytest
    """However many clients there are, and wherever the page is, the order is that of a single sort."""
    rows = [row(cid % 200, rate=float(cid * 7919 % 13)) for cid in range(3 * STEP)]
    choice = Choice("from_rate", descending=descending, offset=offset, limit=20)

    expected = sorted(rows, key=lambda one: one.from_rate or 0.0, reverse=descending)[offset : offset + 20]

    assert expected == page(Findings(0.0, rows), choice).rows


def subjects(*names: str) -> Findings:
    """Findings of subjects, the busiest ones ranked in this order."""
    rows = {name: SubjectRow(name, 1, len(names) - place) for place, name in enumerate(names)}
    return Findings(0.0, [], rows, list(rows.values())[:BUSIEST])


def test_the_busiest_subjects() -> None:
    """However many subjects there are, the list is short and says how many there are."""
    part = finished(select_subjects(subjects(*(f"s.{number}" for number in range(100))), Choice()))

    assert [f"s.{number}" for number in range(BUSIEST)] == [found.subject for found in part.rows]
    assert (100, 100) == (part.matched, part.total)


def test_subjects_by_a_part_of_their_name() -> None:
    """The busiest of the subjects that contain a word are found, in any case."""
    given = subjects("mail", "ORDERS.new", "orders.old", *(f"reorders.{number}" for number in range(50)))

    part = finished(select_subjects(given, Choice(subject="oRDERS")))

    assert (52, 53) == (part.matched, part.total)
    assert ["ORDERS.new", "orders.old", "reorders.0"] == [found.subject for found in part.rows[:3]]
    assert BUSIEST == len(part.rows)


def held(cid: int) -> ClientRow:
    """A publisher that waits."""
    found = row(cid)
    link = replace(found.stats.connection, waits_for=((9, "slow"),))
    return ClientRow(replace(found.stats, connection=link), 0.0, 0.0)


def test_among_equals_the_busy_come_first() -> None:
    """Where nothing is pending, those who wait come first, and then those who do something."""
    findings = Findings(0.0, [row(1), row(2, rate=2.0), row(3, rate=3.0), row(4, pending=1), held(5)])

    assert [4, 5, 3, 2, 1] == cids(findings, Choice())


def test_slow_or_held() -> None:
    """With those who are slow come those who wait for them."""
    findings = Findings(0.0, [row(1), row(2, pending=SLOW), held(3)], slow_above=SLOW)

    assert [2, 3] == cids(findings, Choice(slow=True))
