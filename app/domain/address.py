"""Addresses as text."""

HIGHEST_PORT = 65535

_WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - to recognise it


def is_wildcard(host: str) -> bool:
    """Whether a listener on this host accepts connections on every address of the machine."""
    return host in _WILDCARDS


def joined(host: str, port: int) -> str:
    """``host:port``, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def with_port(address: str, port: int) -> str:
    """``host:port``: unchanged if it has a port, otherwise with `port`."""
    has_port = ":" in address.rpartition("]")[2]
    return address if has_port else f"{address}:{port}"
