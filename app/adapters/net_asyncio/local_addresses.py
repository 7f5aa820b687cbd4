"""The addresses of this machine."""

import socket
from ipaddress import ip_address

_FAMILIES = (socket.AF_INET, socket.AF_INET6)


def global_addresses() -> list[str]:
    """Those that others may reach: neither loopback nor link-local; IPv4 first, without a scope."""
    import psutil  # noqa: PLC0415 - only clusters that listen everywhere need it

    found = [
        (entry.family is socket.AF_INET6, entry.address.partition("%")[0])
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family in _FAMILIES
    ]
    return [address for _, address in sorted(set(found)) if _is_global(address)]


def _is_global(address: str) -> bool:
    parsed = ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified)
