"""The file that tells scripts which process the server is (configuration.md, section 8)."""

import os

_FILE_MODE = 0o660


class PidFileError(Exception):
    """The pid file cannot be written; the text is gnatsd's."""


def write_pid_file(path: str, pid: int | None = None) -> None:
    """Write the decimal number, and nothing else; `pid` is this process unless given.

    A file that is there is overwritten, for a server that was killed leaves one
    behind. A new one has mode 0660 minus umask. Nobody removes it: whoever reads it
    must expect a process that is gone. Raises `PidFileError`.
    """
    text = str(os.getpid() if pid is None else pid)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _FILE_MODE)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        reason = "embedded null byte" if "\0" in path else getattr(error, "strerror", None) or str(error)
        raise PidFileError(f"Could not write pidfile: open {path}: {reason.lower()}") from error
