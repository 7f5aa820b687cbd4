"""What a CONNECT says of a link."""

import pytest

from app.domain.protocol.connect_rights import are_link_rights


@pytest.mark.parametrize(
    ("value", "are"),
    [
        ((), True),
        ((("allow", ["a", None]), ("deny", None), ("other", 5)), True),
        ((("allow", "a"),), False),
        ((("ALLOW", [5]),), False),
        ((("deny", (("a", "b"),)),), False),
        (["a"], False),
        ("a", False),
        (5, False),
        (True, False),
    ],
)
def test_what_they_are(value: object, are: bool) -> None:  # noqa: FBT001 - a row of the table
    """An object with lists of texts; what other names have means nothing."""
    assert are is are_link_rights(value)
