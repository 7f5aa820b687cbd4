"""``python -m app.entrypoints.server``: run a server until a signal ends it."""

import os
import sys
from collections.abc import Sequence

from app.adapters.process.standard_streams import fill_standard_streams
from app.config.completion import completion
from app.config.errors import ConfigError
from app.config.flags import CONFIG_FILE, SHELL, CommandLine, Request, parse
from app.config.go_flags import UsageError
from app.config.load import Loaded, load
from app.config.usage import tls_usage, usage
from app.domain.dataplane import AUTO, DataPlaneUnavailable
from app.entrypoints.container import Container
from app.entrypoints.process import run
from app.entrypoints.settings import ADVERTISED_VERSION

_DONE, _FAILED, _MISUSED = 0, 1, 2


def main(words: Sequence[str] | None = None) -> int:
    """Do what a command line asks for; return the exit status."""
    fill_standard_streams()
    try:
        command = parse(sys.argv[1:] if words is None else words)
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        sys.stdout.write(usage())
        return _MISUSED
    if command.asks not in (None, Request.CHECK):
        sys.stdout.write(_answer(command))
        return _DONE
    try:
        loaded = load(command.given, os.environ)
        if command.asks is Request.CHECK:
            return _report(command, loaded)
        container = Container(loaded.options, os.environ.get("DATA_PLANE", AUTO))
    except (ConfigError, DataPlaneUnavailable) as error:
        sys.stderr.write(f"{error}\n")
        return _FAILED
    return run(container, loaded)


def _answer(command: CommandLine) -> str:
    if command.asks is Request.VERSION:
        return f"nats-server version {ADVERTISED_VERSION}\n"
    if command.asks is Request.TLS_HELP:
        return tls_usage()
    if command.asks is Request.COMPLETION:
        return completion(str(command.given[SHELL]))
    return usage()


def _report(command: CommandLine, loaded: Loaded) -> int:
    """Say that a configuration can be used, and what in it has no effect."""
    sys.stderr.writelines(f"{notice}\n" for notice in loaded.notices)
    path = command.given.get(CONFIG_FILE)
    sys.stdout.write(f"configuration {path} is valid\n" if path else "the flags are valid\n")
    return _DONE


if __name__ == "__main__":
    sys.exit(main())
