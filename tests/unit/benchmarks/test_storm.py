"""Unit tests of the table about clients that all come back at once."""

from benchmarks.storm import Outcome, table

OURS = Outcome("5,000 plain", "native", 5_000, 5_000, 1.23, 0, 1.1, [0.002, 0.001, 0.04])
PEER = Outcome("5,000 plain", "peer", 5_000, 4_999, 90.0, 7, 1.9, [])


def test_the_table() -> None:
    """Each server has a line for each storm; of a witness that was never answered there is no figure."""
    assert (
        "      storm  server     in  seconds  failed attempts  longest attempt (ms)  "
        "witness median (ms)  witness latest (ms)     goal\n"
        "5,000 plain  native  5,000      1.2                0                 1,100  "
        "                2.0                   40      met\n"
        "5,000 plain    peer  4,999     90.0                7                 1,900  "
        "                nan                  nan  not met\n"
    ) == table([OURS, PEER])


def test_all_are_in_soon_enough() -> None:
    """One client that is not in is too many."""
    assert (True, False) == (OURS.is_met, PEER.is_met)
