"""Requests and pages."""

import pytest

from app.domain.jetstream.api.requests import ApiRequest, page
from app.domain.jetstream.errors import JetStreamError


def _request(payload: bytes) -> ApiRequest:
    return ApiRequest(b"$JS.API.X", b"", payload, b"r")


def test_bodies() -> None:
    """A body is an object; where one is needed nothing is an error, where none is wanted so is one."""
    assert _request(b'{"a":1}').document() == {"a": 1}
    assert _request(b"").fields().integer("a") == 0
    assert _request(b"x").fields().integer("a") == 0
    assert _request(b"null").object_fields().integer("a") == 0
    _request(b" {} ").check_empty()
    for nothing in (b"", b" { }"):
        with pytest.raises(JetStreamError, match="bad request"):
            _request(nothing).check_said()
    for something in (b"x", b"null", b"[]"):
        with pytest.raises(JetStreamError, match="expected an empty request payload"):
            _request(something).check_empty()
    for wrong in (b"[]", b"x"):
        with pytest.raises(JetStreamError, match="invalid JSON"):
            _request(wrong).object_fields()
    _request(b"").check_empty()
    with pytest.raises(JetStreamError, match="bad request"):
        _request(b" ").document()
    with pytest.raises(JetStreamError, match="expected an empty request payload"):
        _request(b'{"a":1}').check_empty()


@pytest.mark.parametrize(
    ("offset", "start", "found"), [(0, 0, "abc"), (2, 2, "cde"), (-5, 0, "abc"), (9, 5, ""), (4, 4, "e")]
)
def test_pages(offset: int, start: int, found: str) -> None:
    """A page begins within the list."""
    one = page(5, offset, 3)
    assert one.as_json() == {"total": 5, "offset": start, "limit": 3}
    assert "abcde"[one.part] == found
