"""JSON, plain or as a call."""

from app.adapters.monitoring.jsonp import reply


def test_plain() -> None:
    """Without a callback it is JSON that pages of any origin may read."""
    response = reply(b"{}")

    assert (b"{}", 200) == (response.body, response.status_code)
    assert "application/json" == response.headers["content-type"]
    assert "*" == response.headers["access-control-allow-origin"]


def test_called() -> None:
    """With a callback it is a script."""
    response = reply(b"{}", "a.b[0].$c_1")

    assert b"a.b[0].$c_1({})" == response.body
    assert "application/javascript" == response.headers["content-type"]
    assert "access-control-allow-origin" not in response.headers
