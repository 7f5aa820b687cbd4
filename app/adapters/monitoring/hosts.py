"""The host names by which the server answers.

A hostile page can point a name of its own at any address, and read the answers from there
through the reader's browser (DNS rebinding). The browser then sends that name as ``Host``.
So pages that show more than figures answer only to names that an attacker cannot register:
addresses, names without a dot, names in domains that are not public, and the server's own.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from pathlib import Path

_PRIVATE = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".svc", ".test")
"""Domains in which no name can be registered."""

_HOST = re.compile(r"(\[[0-9A-Za-z:.%_-]+\]|[^\[\]:]*)(?::[0-9]*)?")

_RESOLVER = Path("/etc/resolv.conf")


def host_of(header: str) -> str:
    """The name or address in a ``Host`` header, in lower case; empty for an invalid header."""
    found = _HOST.fullmatch(header.strip())
    return found[1].removeprefix("[").removesuffix("]").rstrip(".").lower() if found else ""


def is_own(host: str, known: frozenset[str]) -> bool:
    """Whether an attacker cannot have chosen this name; `known` are the server's own, in lower case."""
    return bool(host) and ("." not in host or host in known or host.endswith(_PRIVATE) or _is_address(host))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def machine_names(name: str | None = None, resolver: Path = _RESOLVER) -> frozenset[str]:
    """This machine's name, alone and in each search domain of its resolver."""
    own = (socket.gethostname() if name is None else name).rstrip(".").lower()
    try:
        lines = resolver.read_text("ascii", "replace").splitlines()
    except OSError:
        lines = []
    return frozenset({own, *(f"{own}.{domain}" for domain in _domains(lines))})


def _domains(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        words = line.split()
        if words and words[0] in ("search", "domain"):
            yield from (word.strip(".").lower() for word in words[1:])
