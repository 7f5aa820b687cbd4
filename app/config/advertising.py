"""Addresses that are told to others, who connect to them."""

from typing import Annotated

from pydantic import AfterValidator

from app.config.addresses import AddressError, Endpoint, parse_listen


def parse_advertised(text: str) -> Endpoint:
    """A host, or ``host:port``; port 0 when it names none.

    Raises `AddressError` when nobody could connect to it.
    """
    if ":" not in text.rpartition("]")[2]:
        return Endpoint(parse_advertised(f"{text}:1").host, 0)
    endpoint = parse_listen(text)
    if not endpoint.host or endpoint.port < 1:
        raise AddressError(_EXPECTED)
    return endpoint


def _reachable(text: str) -> str:
    try:
        parse_advertised(text)
    except AddressError as error:
        raise ValueError(_EXPECTED) from error
    return text


_EXPECTED = 'must be a host, or "host:port"'

Advertised = Annotated[str, AfterValidator(_reachable)]
