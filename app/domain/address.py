"""How an address is written."""


def joined(host: str, port: int) -> str:
    """``host:port``, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def with_port(address: str, port: int) -> str:
    """A host, or ``host:port``, as others are told it: with `port` unless it has one."""
    has_port = ":" in address.rpartition("]")[2]
    return address if has_port else f"{address}:{port}"
