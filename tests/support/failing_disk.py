"""A disk that fails when a test says so: calls of the system are errors, in a real server."""

import errno
import os
import re
import subprocess
from pathlib import Path

from tests.support.server_process import CURRENT, ServerProcess

SOURCE = Path(__file__).with_suffix(".c")


class FailingDisk:
    """A library that is put before the system's, and the file that says what fails."""

    def __init__(self, directory: Path) -> None:
        """Compile it. Raises `OSError` and `subprocess.CalledProcessError` without a compiler."""
        self._library = directory / "failing_disk.so"
        self._control = directory / "failing"
        compiler = os.environ.get("CC", "cc")
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(self._library), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to have this disk."""
        return {"LD_PRELOAD": str(self._library), "FAILING_DISK": str(self._control)}

    def fail(self, call: str, ending: str, number: int = errno.EIO) -> None:
        """From now on this call is an error for files whose names end so."""
        new = self._control.with_suffix(".new")
        new.write_text(f"{call} {number} {ending}")
        new.rename(self._control)

    def heal(self) -> None:
        """From now on nothing fails."""
        self._control.unlink()


_MONITORED = re.compile(r"Starting http monitor on \S*:(\d+)")


class StoreServer(ServerProcess):
    """A server with streams in a directory, and a monitoring port."""

    def __init__(
        self, directory: Path, disk: FailingDisk | None = None, *, settings: Path | None = None
    ) -> None:
        """`settings` is a file with a configuration, in place of the usual one for that directory."""
        streams = ("-c", str(settings)) if settings else ("-js", "-sd", str(directory))
        super().__init__(*streams, "-m", "-1", *CURRENT, env=disk.environment if disk else None)

    @property
    def monitoring_port(self) -> int:
        """Where `/healthz` is."""
        found = _MONITORED.search(self.log)
        assert found is not None, self.log
        return int(found[1])
