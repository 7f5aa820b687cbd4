"""Unit tests of what a log may say of an exception."""

import pytest

from app.domain.failure import described, reason_of


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


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FileNotFoundError(2, "No such file or directory", "a"), "No such file or directory"),
        (ValueError("embedded null byte"), "embedded null byte"),
        (ValueError("open: embedded null character in path"), "embedded null byte"),
        (ValueError("something else"), "something else"),
        (OSError("no number"), "no number"),
    ],
)
def test_why_a_file_could_not_be_used(error: Exception, reason: str) -> None:
    """The words of the system; Python 3.13 has others for a name with a null byte than earlier versions."""
    assert reason == reason_of(error)
