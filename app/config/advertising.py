"""Addresses that are told to others, who connect to them."""

from typing import Annotated

from pydantic import AfterValidator

from app.config.addresses import AddressError, parse_listen


def _reachable(text: str) -> str:
    """A host, or ``host:port``."""
    try:
        endpoint = parse_listen(text if _has_port(text) else f"{text}:1")
    except AddressError as error:
        raise ValueError(_EXPECTED) from error
    if not endpoint.host or endpoint.port < 1:
        raise ValueError(_EXPECTED)
    return text


def _has_port(text: str) -> bool:
    return ":" in text.rpartition("]")[2]


_EXPECTED = 'must be a host, or "host:port"'

Advertised = Annotated[str, AfterValidator(_reachable)]
