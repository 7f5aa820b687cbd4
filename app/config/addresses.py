"""Addresses and URLs as configurations write them (configuration-file.md, sections 2 and 7).

Advertised addresses are those that clients or other servers get, to connect to.
"""

import re
from urllib.parse import SplitResult, unquote, urlsplit

from ..domain.address import HIGHEST_PORT, with_port
from ..domain.cluster.route_url import RouteUrl, read_gossip
from ..domain.leaf.leaf_url import LEAF_PORT, LeafUrl
from ..domain.value_object import value_object

_PORT = re.compile(r"-1|[0-9]{1,18}", re.ASCII)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S*", re.ASCII | re.IGNORECASE)
_BROKEN_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_SCHEME = re.compile(r"[^:/@]*://")
_LEAF_SCHEMES = ("nats-leaf", "leaf", "nats", "tls")
_WEBSOCKET_SCHEMES = ("ws", "wss")


class AddressError(ValueError):
    """The text is no address; the message is gnatsd's where it has one, and holds no secret."""


@value_object
class HostPort:
    """An address to listen on, or to connect to."""

    host: str
    """Empty means the default."""
    port: int


def parse_listen(text: str) -> HostPort:
    """``host:port``, the host empty for the default, and in brackets if it has colons.

    Raises `AddressError`.
    """
    parts = _split(text)
    if parts is None:
        raise AddressError(f'Could not parse address string "{text}"')
    host, port = parts
    if not _is_port(port):
        raise AddressError(f'Could not parse port "{port}"')
    return HostPort(host, int(port))


def parse_route(text: str) -> RouteUrl:
    """The URL of a server to connect to. Raises `AddressError`."""
    mistake = f'error parsing route url ["{without_password(text)}"]'
    found = _parse(text, mistake)
    if not found.host or found.port < 1:
        raise AddressError(mistake)
    return found


def parse_leaf(text: str) -> LeafUrl:
    """The URL of a hub for leaf nodes; a name alone before the ``@`` is a token. Raises `AddressError`."""
    mistake = f'error parsing leafnode url ["{_without_login(text)}"]'
    form = "write nats-leaf://host:port or tls://host:port"
    url = _split_url(text, f"{mistake}: {form}")
    if url.scheme in _WEBSOCKET_SCHEMES:
        raise AddressError(f"{mistake}: leaf nodes do not connect over websockets; {form}")
    if url.scheme not in _LEAF_SCHEMES:
        raise AddressError(f"{mistake}: {form}")
    endpoint = _leaf_endpoint(url, mistake)
    user, password = (_unescaped(part or "", mistake) for part in (url.username, url.password))
    is_token = bool(user) and url.password is None
    return LeafUrl(
        endpoint.host,
        endpoint.port,
        tls=url.scheme == "tls",
        user="" if is_token else user,
        password=password,
        token=user if is_token else "",
    )


def _leaf_endpoint(url: SplitResult, mistake: str) -> HostPort:
    """Host and port, which may be left out."""
    place = url.netloc.rpartition("@")[2]
    has_port = ":" in place.rpartition("]")[2]
    endpoint = _endpoint(url._replace(netloc=place if has_port else f"{place}:{LEAF_PORT}"), mistake)
    if not endpoint.host or endpoint.port < 1:
        raise AddressError(f"{mistake}: a host is needed, and a port from 1 to {HIGHEST_PORT}")
    return endpoint


def _without_login(url: str) -> str:
    """The same URL without what comes before its host: a name alone is a token."""
    credentials, at, place = url.rpartition("@")
    beginning = _SCHEME.match(credentials)
    scheme = credentials[: beginning.end()] if beginning else ""
    return f"{scheme}[REDACTED]@{place}" if at else url


def parse_cluster(text: str) -> RouteUrl:
    """The URL that the flag ``--cluster`` takes; its host may be empty. Raises `AddressError`."""
    found = _parse(text, f'error parsing cluster url ["{without_password(text)}"], write nats://host:port')
    if found.user and not found.password:
        raise AddressError("Expected cluster password to be set.")
    return found


def parse_advertised(text: str) -> HostPort:
    """A host, or ``host:port``; port 0 when it names none.

    Raises `AddressError` when no client could connect to it.
    """
    complete = with_port(text, 1)
    parts = _split(complete)
    if parts is None or not parts[0] or not _is_port(parts[1]) or int(parts[1]) < 1:
        raise AddressError('must be a host, or "host:port"')
    endpoint = HostPort(parts[0], int(parts[1]))
    return endpoint if complete == text else HostPort(endpoint.host, 0)


def parse_advertised_to_servers(text: str) -> HostPort:
    """The same; raises `AddressError` also for a name, which other servers do not resolve."""
    endpoint = parse_advertised(text)
    if read_gossip(f"nats-route://{with_port(text, 1)}/") is None:
        raise AddressError("must be a numeric address: other servers do not resolve names")
    return endpoint


def without_password(url: str) -> str:
    """The same URL with its password replaced, to be shown."""
    credentials, at, place = url.rpartition("@")
    beginning = _SCHEME.match(credentials)
    start = beginning.end() if beginning else 0
    user, colon, _ = credentials[start:].partition(":")
    return f"{credentials[:start]}{user}:[REDACTED]{at}{place}" if colon else url


def _parse(text: str, mistake: str) -> RouteUrl:
    url = _split_url(text, mistake)
    endpoint = _endpoint(url, mistake)
    user, password = (_unescaped(part or "", mistake) for part in (url.username, url.password))
    return RouteUrl(endpoint.host, endpoint.port, user, password)


def _split_url(text: str, mistake: str) -> SplitResult:
    try:
        url = urlsplit(text)
    except ValueError:
        raise AddressError(mistake) from None
    if not _URL.fullmatch(text) or not text.isprintable():
        raise AddressError(mistake)
    return url


def _unescaped(text: str, mistake: str) -> str:
    """A user or password, decoded."""
    if _BROKEN_ESCAPE.search(text):
        raise AddressError(f"{mistake}: two hexadecimal digits must follow a %; write %25 for a % itself")
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise AddressError(f"{mistake}: the %-escaped bytes are not UTF-8") from None


def _endpoint(url: SplitResult, mistake: str) -> HostPort:
    place = url.netloc.rpartition("@")[2]
    parts = _split(place)
    if parts is None:
        raise AddressError(
            f"address {place}: missing port in address" if place else "missing port in address"
        )
    host, port = parts
    if not _is_port(port):
        raise AddressError(mistake)
    return HostPort(host, int(port))


def _is_port(text: str) -> bool:
    return _PORT.fullmatch(text) is not None and int(text) <= HIGHEST_PORT


def _split(text: str) -> tuple[str, str] | None:
    """Host and port; None when there are not two of them."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1], port
    if not colon or any(mark in host for mark in ":[]") or "]" in port:
        return None
    return host, port
