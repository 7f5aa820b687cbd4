"""Rules of permissions, as configurations and authenticators give them."""

import pytest

from app.domain.permissions.rules import Entry, Permissions, Rule, entry


def test_texts() -> None:
    """Subjects and queue groups may be given as text."""
    assert Entry(b"a.*", b"q") == entry("a.*", "q") == entry(b"a.*", b"q")
    assert Entry("é".encode()) == entry("é")


@pytest.mark.parametrize(
    "word",
    ["", ".", "a..b", "a.>.b", ">.a", "a b", "a\r\nPUB b 0", "a\n", "a\rb", "a\tb", "a\0b", "a\v", "\f"],
)
def test_what_no_subscription_has(word: str) -> None:
    """A malformed subject, or one with a blank or a line end, is an error at once, for groups too."""
    with pytest.raises(ValueError, match="is not a valid subject"):
        entry(word)
    with pytest.raises(ValueError, match="is not a valid subject"):
        entry("a", word)


def test_lists() -> None:
    """Lists serve as tuples, so rules can be compared and looked up."""
    rule = Rule([entry("a")], [entry("b")])  # type: ignore[arg-type] # as an operator may write

    assert Rule((entry("a"),), (entry("b"),)) == rule
    assert hash(Permissions(rule)) == hash(Permissions(rule))


def test_what_is_no_entry() -> None:
    """A bare text is an error that says what to write."""
    with pytest.raises(TypeError, match=r"allow has 'a', which is not an entry; write entry\('a'\)"):
        Rule(("a",))  # type: ignore[arg-type] # the mistake
    with pytest.raises(TypeError, match="deny has 'b'"):
        Rule((), ["b"])  # type: ignore[arg-type] # the mistake


def test_what_is_no_rule() -> None:
    """Permissions are made of rules; a mistake is an error where it is made."""
    with pytest.raises(TypeError, match="publish is of type str"):
        Permissions("a")  # type: ignore[arg-type] # the mistake
    with pytest.raises(TypeError, match="subscribe is of type tuple"):
        Permissions(subscribe=(entry("a"),))  # type: ignore[arg-type] # the mistake
    with pytest.raises(TypeError, match="responses is of type bool"):
        Permissions(responses=True)  # type: ignore[arg-type] # the mistake
