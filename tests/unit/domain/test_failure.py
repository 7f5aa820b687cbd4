"""Unit tests of what a log may say of an exception."""

import pytest

from app.domain.failure import described


def test_an_exception_shows_its_type_and_place() -> None:
    """Its text, which may hold a secret or what a peer has sent, is left out."""

    def fail() -> None:
        raise ValueError("s3cr3t")

    with pytest.raises(ValueError, match="s3cr3t") as caught:
        fail()
    text = described(caught.value)

    assert text.startswith("ValueError at test_failure.py:")
    assert "s3cr3t" not in text


def test_an_exception_that_was_never_raised() -> None:
    """It has no place, and is named all the same."""
    assert "KeyError" == described(KeyError("s3cr3t"))
