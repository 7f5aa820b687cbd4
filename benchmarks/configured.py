"""Servers that need a configuration file for a row: permissions, hooks, and websockets."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from app.testing import free_port
from benchmarks.client import dial
from benchmarks.servers import PEER, Contender

RULES = 100
"""Subjects that a user may publish on, and as many that it may subscribe to."""

_SUBJECT = "bench"
_USER, _PASSWORD = "bench", "bench"

CONNECT_WITH_HEADERS = b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n'
CONNECT_AS_USER = b'CONNECT {"verbose":false,"pedantic":false,"user":"%b","pass":"%b"}\r\n' % (
    _USER.encode(),
    _PASSWORD.encode(),
)

Prepare = Callable[[Contender], Contender]
"""Makes of a server the one that a row needs."""


def as_it_is(contender: Contender) -> Contender:
    """The same server."""
    return contender


@cache
def _folder() -> TemporaryDirectory[str]:
    """Where the files of a run are, until its end."""
    return TemporaryDirectory(prefix="benchmark-files-")


def _configured(contender: Contender, name: str, text: str) -> Contender:
    path = Path(_folder().name) / f"{contender.name}-{name}.conf"
    path.write_text(text, encoding="utf-8")
    return replace(contender, flags=(*contender.flags, "-c", str(path)))


def permissions_file() -> str:
    """One user with rules, the last of which allows the subject of the row."""
    subjects = [*(f"rule.{number}.>" for number in range(RULES - 1)), _SUBJECT]
    listed = ", ".join(f'"{subject}"' for subject in subjects)
    return (
        f'authorization {{ users: [ {{ user: "{_USER}", password: "{_PASSWORD}", '
        f"permissions {{ publish: [{listed}], subscribe: [{listed}] }} }} ] }}\n"
    )


def with_permissions(contender: Contender) -> Contender:
    """The same server, with one user and its rules."""
    configured = _configured(contender, "permissions", permissions_file())
    return replace(configured, knock=lambda port: dial(port, CONNECT_AS_USER))


def with_hooks(name: str) -> Prepare:
    """Makes the same server with these hooks of `hooked`; the peer has none."""

    def prepare(contender: Contender) -> Contender:
        if contender.name == PEER:
            return contender
        text = f'hooks {{ factory: "benchmarks.hooked:{name}" }}\n'
        return _configured(contender, name.lower(), text)

    return prepare


def with_websockets(contender: Contender) -> Contender:
    """The same server, which serves websockets at a port of its own besides."""
    port = free_port()
    text = f'websocket {{ host: "127.0.0.1", port: {port}, no_tls: true }}\n'
    return replace(_configured(contender, "websocket", text), websocket_port=port)
