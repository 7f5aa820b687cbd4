"""What a command line asks the server's program for, done."""

import os
from collections.abc import Sequence

from app.adapters.process.standard_streams import complain, fill_standard_streams, say
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
from app.entrypoints.signals import Handlers, end_as_usual

_DONE, _FAILED, _MISUSED = 0, 1, 2


def obey(words: Sequence[str], usual: Handlers) -> int:
    """Do it, and return the exit status; `usual` are the signal handlers of what is no server."""
    fill_standard_streams()
    try:
        command = parse(words)
    except UsageError as error:
        complain(f"{error}\n")
        say(usage())
        return _MISUSED
    if command.asks is not None:
        end_as_usual(usual)
    if command.asks not in (None, Request.CHECK):
        return _status(said=say(_answer(command)))
    try:
        loaded = load(command.given, os.environ)
        if command.asks is Request.CHECK:
            return _report(command, loaded)
        container = Container(loaded.options, os.environ.get("DATA_PLANE", AUTO))
    except (ConfigError, DataPlaneUnavailable) as error:
        complain(f"{error}\n")
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
    for notice in loaded.notices:
        complain(f"{notice}\n")
    path = command.given.get(CONFIG_FILE)
    return _status(said=say(f"configuration {path} is valid\n" if path else "the flags are valid\n"))


def _status(*, said: bool) -> int:
    return _DONE if said else _FAILED
