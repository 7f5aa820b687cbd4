"""Unit tests of distinguished names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.security.distinguished_name import DistinguishedName, name_text, parse_name

TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=6)
PART = st.lists(st.tuples(st.sampled_from(["CN", "OU", "1.2.3"]), TEXT), min_size=1, max_size=2).map(tuple)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CN=a,O=b", ((("CN", "a"),), (("O", "b"),))),
        (" cn = a b , o=c ", ((("CN", "a b"),), (("O", "c"),))),
        (r"CN=a\,b+OU=x,DC=d", ((("CN", "a,b"), ("OU", "x")), (("DC", "d"),))),
        (r"CN=\#a\ ", ((("CN", "#a "),),)),
        (r"CN=\c3\a9", ((("CN", "é"),),)),
        ("CN=a=b", ((("CN", "a=b"),),)),
        ("CN=", ((("CN", ""),),)),
        ("1.2.3=x", ((("1.2.3", "x"),),)),
    ],
)
def test_names(text: str, name: DistinguishedName) -> None:
    """Types are in capitals, values as they are, without escapes and the blanks around."""
    assert name == parse_name(text)


@pytest.mark.parametrize(
    "text",
    ["", "a@b", "CN", "=a", "CN=a,", "CN=a,b", "CN=a+b", "CN=#04", r"CN=\c3", r"CN=\zz", "CN=a\\", r"\,=a"],
)
def test_what_is_no_name(text: str) -> None:
    """A user's name of another form, or a name that is cut off, is none."""
    assert parse_name(text) is None


@given(st.lists(PART, min_size=1, max_size=3).map(tuple))
def test_what_is_written_can_be_read(name: DistinguishedName) -> None:
    """Any name comes back from its text."""
    assert name == parse_name(name_text(name))
