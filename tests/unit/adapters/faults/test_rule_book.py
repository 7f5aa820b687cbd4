"""Which rules are active, and what they hit."""

from app.adapters.faults.rule_book import KEPT_RULES, RuleBook
from app.adapters.faults.rules import FaultKind


def test_rules_are_active_until_they_are_cleared() -> None:
    """One or all; the last ones are kept for reports."""
    book = RuleBook()
    first, second = book.drop("a"), book.delay("b", seconds=1)
    first.clear()

    assert ([], [second]) == (book.active(FaultKind.DROP), book.active(FaultKind.DROP, FaultKind.DELAY))
    assert [first, second] == book.rules
    book.clear()
    assert [] == book.active(FaultKind.DELAY)


def test_cleared_rules_are_forgotten_in_the_end() -> None:
    """Active ones are kept however many come."""
    book = RuleBook()
    kept = book.drop("kept")
    for _ in range(2 * KEPT_RULES):
        book.drop("a").clear()

    assert (KEPT_RULES, True) == (len(book.rules) - 2, kept in book.rules)


def test_what_is_hit_is_counted() -> None:
    """Only by rules of these kinds, whose selector is taken."""
    book = RuleBook()
    drop, other, delay = book.drop("a", every=2), book.drop("b"), book.delay("a", seconds=1)
    hit = [book.judge((FaultKind.DROP,), lambda selector: selector.subject == "a") for _ in range(2)]

    assert [[], [drop]] == hit
    assert [1, 0, 0] == [rule.hits for rule in (drop, other, delay)]


def test_rules_against_a_server() -> None:
    """They follow the id of the server, and end together when it is healed."""
    book, ids = RuleBook(), {"id": "A"}
    blocked, muted = book.block(lambda: ids["id"], "n1"), book.mute(lambda: "B")

    assert [blocked] == book.against("A", FaultKind.PARTITION, FaultKind.ONE_WAY)
    ids["id"] = "C"
    assert [] == book.against("A", FaultKind.PARTITION)
    assert [muted] == book.against("B", FaultKind.ONE_WAY)
    book.heal()
    assert [] == book.active(FaultKind.PARTITION, FaultKind.ONE_WAY)
    assert "partition(route='n1'): 0 hits, cleared" == str(blocked)
