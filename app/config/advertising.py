"""Addresses that are told to others, who connect to them."""

from typing import Annotated

from pydantic import AfterValidator

from app.config.addresses import AddressError, Endpoint, parse_listen
from app.domain.address import with_port
from app.domain.cluster.route_url import read_gossip


def parse_advertised(text: str) -> Endpoint:
    """A host, or ``host:port``; port 0 when it names none.

    Raises `AddressError` when nobody could connect to it.
    """
    complete = with_port(text, 1)
    endpoint = parse_listen(complete)
    if not endpoint.host or endpoint.port < 1:
        raise AddressError(_EXPECTED)
    return endpoint if complete == text else Endpoint(endpoint.host, 0)


def _reachable(text: str) -> str:
    try:
        parse_advertised(text)
    except AddressError as error:
        raise ValueError(_EXPECTED) from error
    return text


def _numeric(text: str) -> str:
    if read_gossip(f"nats-route://{with_port(text, 1)}/") is None:
        raise ValueError(_NUMERIC)
    return text


_EXPECTED = 'must be a host, or "host:port"'
_NUMERIC = "must be a numeric address, for servers look up no names that they hear of"

Advertised = Annotated[str, AfterValidator(_reachable)]
"""For clients, in whatever form they can use."""

AdvertisedToServers = Annotated[Advertised, AfterValidator(_numeric)]
