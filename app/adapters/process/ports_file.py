"""The ports file: the addresses of a started server, for programs that have started it.

One JSON object with lists of addresses by kind, under ``<directory>/nats-server_<pid>.ports``: the
name is that of nats-server, since the programs that start it look for this file.
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ...domain.failure import reason_of

_FILE_MODE = 0o640


class PortsFileError(Exception):
    """The file cannot be written; the text says why."""


class PortsFile:
    """The file of one server."""

    def __init__(self, directory: str, pid: int | None = None) -> None:
        """`pid` is this process unless given."""
        self.path = Path(directory) / f"nats-server_{os.getpid() if pid is None else pid}.ports"

    def write(self, urls: Mapping[str, Sequence[str]]) -> None:
        """Write the addresses; kinds without any are left out. A reader never sees half of them.

        Raises `PortsFileError`.
        """
        text = json.dumps({kind: list(some) for kind, some in urls.items() if some})
        beside = self.path.with_suffix(".ports.new")
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _FILE_MODE)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
            beside.replace(self.path)
        except (OSError, ValueError) as error:
            reason = reason_of(error)
            raise PortsFileError(f"error writing ports file to {self.path}: {reason.lower()}") from error

    def remove(self) -> None:
        """Remove it, if it is there."""
        with suppress(OSError, ValueError):  # the second: no name of a file
            self.path.unlink()
