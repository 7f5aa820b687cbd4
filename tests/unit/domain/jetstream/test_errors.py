"""Unit tests of JetStream's errors."""

import pytest

from app.domain.jetstream.errors import ERRORS, JetStreamError


def test_an_error_is_a_class_a_number_and_a_text() -> None:
    """Clients compare all three; what is refused fills the gaps of the text."""
    error = JetStreamError(10071, 7)

    assert {"code": 400, "err_code": 10071, "description": "wrong last sequence: 7"} == error.as_json()
    assert "wrong last sequence: 7" == str(error)


@pytest.mark.parametrize("number", ERRORS)
def test_classes_are_those_of_http(number: int) -> None:
    """Each number has one of the classes that clients know, and a text."""
    code, text = ERRORS[number]

    assert code in (400, 404, 409, 412, 429, 500, 503)
    assert text
