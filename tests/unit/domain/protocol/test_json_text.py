"""JSON and times as a server in Go writes them; see also `test_json_values`, which reads them again."""

import pytest

from app.domain.protocol.json_text import dump, rfc3339


@pytest.mark.parametrize(
    ("ns", "text"), [(0, "0001-01-01T00:00:00Z"), (1_500_000_000, "1970-01-01T00:00:01.5Z")]
)
def test_times(ns: int, text: str) -> None:
    """No zeros at the end, and 0 is no time."""
    assert text == rfc3339(ns)


def test_the_last_time() -> None:
    """Times beyond what RFC 3339 can say are its last second."""
    assert rfc3339(2**63 * 1000) == "9999-12-31T23:59:59Z"


def test_json_is_written_as_go_does() -> None:
    """No spaces, escapes for `<`, `>`, `&` and separators of lines, other text as UTF-8."""
    assert dump({"a": [1, "é"]}) == '{"a":[1,"é"]}'.encode()
    assert dump("a.>&<") == b'"a.\\u003e\\u0026\\u003c"'
    assert dump("\ud800") == b'"?"'
    assert dump("\u2028\u2029\u2030") == '"\\u2028\\u2029\u2030"'.encode()
