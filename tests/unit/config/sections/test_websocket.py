"""Unit tests of the section ``websocket``."""

import pytest

from app.config.errors import ConfigError
from app.config.options import make_options


@pytest.mark.parametrize("origin", ["https://a.example", "http://a.example:8080"])
def test_an_origin_is_a_scheme_and_a_host(origin: str) -> None:
    """One origin may stand without brackets, under any of its names."""
    assert (origin,) == make_options({"websocket": {"allowed_origins": origin}}).websocket.allowed_origins


@pytest.mark.parametrize("origin", ["a.example", "ws://a.example", "https://"])
def test_what_is_no_origin(origin: str) -> None:
    """The error says how an origin is written."""
    with pytest.raises(ConfigError) as raised:
        make_options({"websocket": {"allowed_origins": [origin]}})

    assert "websocket.allowed_origins[0] must be written https://host or https://host:port" == str(
        raised.value
    )


@pytest.mark.parametrize(
    ("given", "maps"),
    [
        ({"port": 8080, "tls": {"verify_and_map": True}}, True),
        ({"port": 8080, "tls": {"verify_and_map": False}}, False),
        ({"port": 8080, "tls": {"verify_and_map": True}, "no_tls": True}, False),
        ({"tls": {"verify_and_map": True}}, False),
        ({"port": 8080}, False),
    ],
)
def test_where_certificates_say_who_a_client_is(given: dict[str, object], *, maps: bool) -> None:
    """They do where there is a port and TLS that asks for it."""
    assert maps is make_options({"websocket": given}).websocket.maps_certificates
