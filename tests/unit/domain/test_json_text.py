"""JSON as nats-server writes it."""

from app.domain.json_text import dump, rfc3339


def test_the_last_time() -> None:
    """Times beyond what RFC 3339 can say are its last second."""
    assert rfc3339(2**63 * 1000) == "9999-12-31T23:59:59Z"


def test_json_is_written_as_go_does() -> None:
    """No spaces, escapes for `<`, `>`, `&` and separators of lines, other text as UTF-8."""
    assert dump({"a": [1, "é"]}) == '{"a":[1,"é"]}'.encode()
    assert dump("a.>&<") == b'"a.\\u003e\\u0026\\u003c"'
    assert dump("\ud800") == b'"?"'
    assert dump("\u2028\u2029\u2030") == '"\\u2028\\u2029\u2030"'.encode()
