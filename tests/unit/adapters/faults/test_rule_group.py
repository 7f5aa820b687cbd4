"""A fault of several servers."""

import pytest

from app.adapters.faults.rule_book import RuleBook
from app.adapters.faults.rule_group import RuleGroup


def test_it_is_the_sum_of_its_rules() -> None:
    """Hits are added, and it is active as long as one of them is."""
    book = RuleBook()
    rules = [book.drop("a"), book.drop("a")]
    group = RuleGroup(rules, rules[0].words)
    with pytest.raises(AssertionError, match=r"no traffic was hit by drop\(subject='a'\)"):
        group.must_hit()
    rules[0].strikes()
    rules[1].strikes()
    rules[0].clear()

    assert (2, True) == (group.hits, group.is_active)
    with group:
        group.must_hit()
    assert "drop(subject='a'): 2 hits, cleared" == str(group)
