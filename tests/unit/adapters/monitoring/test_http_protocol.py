"""Answers to input that is no request; connections are tested in tests/integration."""

from http import HTTPStatus

import h11
import pytest

from app.adapters.monitoring.http_protocol import NO_CLIENTS, NO_PLAIN_HTTP, NO_REQUEST, refusal


@pytest.mark.parametrize("text", [NO_REQUEST, NO_CLIENTS, NO_PLAIN_HTTP, "größer"])
def test_a_refusal_is_a_whole_answer(text: str) -> None:
    """Any client of HTTP understands a refusal: its status, its whole text, and that it is the last."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())

    client.receive_data(refusal(HTTPStatus.BAD_REQUEST, text))
    response, data, end = client.next_event(), client.next_event(), client.next_event()

    assert isinstance(response, h11.Response)
    assert isinstance(data, h11.Data)
    assert isinstance(end, h11.EndOfMessage)
    assert (400, b"Bad Request", text) == (response.status_code, response.reason, bytes(data.data).decode())
    assert (b"connection", b"close") in response.headers
    assert (b"x-content-type-options", b"nosniff") in response.headers
