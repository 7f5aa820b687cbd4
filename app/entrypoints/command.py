"""The command line of the server's program: serve, check, print help or a version."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from ..adapters.process.signal_target import SignalError, send_signal
from ..adapters.process.standard_streams import complain, fill_standard_streams, say
from ..config.errors import ConfigError, Problem
from ..config.flag_syntax import UsageError
from ..config.flags import CONFIG_FILE, SHELL, SIGNAL, CommandLine, Request, parse
from ..config.help.completion import completion
from ..config.help.usage import tls_usage, usage
from ..config.load import examine, in_order, load
from ..domain.dataplane import AUTO, DataPlaneUnavailable, choose
from ..domain.protocol.client_level import CLIENT_LEVEL
from .identity import ADVERTISED_VERSION, PROGRAM, RUNTIME
from .signals import Handlers, restore_defaults

_DONE, _FAILED, _MISUSED = 0, 1, 2

_VERSION = f"""nats-server: v{CLIENT_LEVEL}
{PROGRAM}, {RUNTIME}, {{twin}}; with compatibility "0.8.0": nats-server version {ADVERTISED_VERSION}
"""
"""Launchers parse the first line, as nats-server writes it."""


def _explain(words: Sequence[str]) -> int:
    from .explain import run_explain  # noqa: PLC0415 - a server starts without it

    return run_explain(words)


def _store(words: Sequence[str]) -> int:
    from .store import run_store  # noqa: PLC0415 - the same, and without what it needs

    return run_store(words)


_TOOLS = {"explain": _explain, "store": _store}
"""By the first word of the command line."""


def run_command(words: Sequence[str], usual: Handlers) -> int:
    """Do what the words ask for; return the exit status.

    `usual` are the signal handlers of a program that does not serve.
    """
    fill_standard_streams()
    tool = _TOOLS.get(words[0]) if words else None
    if tool is not None:
        restore_defaults(usual)
        return tool(words[1:])
    try:
        command = parse(words)
    except UsageError as error:
        complain(f"{error}\n")
        return _MISUSED
    if command.asks is not None:
        restore_defaults(usual)
        return _do(command.asks, command)
    return _serve(command)


def _serve(command: CommandLine) -> int:
    """Serve until a signal."""
    from .container import Container  # noqa: PLC0415 - what only asks does without a server
    from .process import run  # noqa: PLC0415 - the same

    try:
        loaded = load(command.given, os.environ)
        path = str(command.given.get(CONFIG_FILE, ""))
        container = Container(loaded.options, _data_plane(), path)
    except (ConfigError, DataPlaneUnavailable) as error:
        complain(f"{error}\n")
        return _FAILED
    again = partial(load, command.given, os.environ)
    return run(container, replace(loaded, notices=(*loaded.notices, *map(Problem, command.notices))), again)


def _do(asked: Request, command: CommandLine) -> int:
    """What is asked for in place of a server."""
    if asked is Request.CHECK:
        return _check(command)
    if asked is Request.SIGNAL:
        return _send(str(command.given[SIGNAL]))
    return _status(said=say(_answer(command)))


def _answer(command: CommandLine) -> str:
    if command.asks is Request.VERSION:
        return _VERSION.format(twin=_twin())
    if command.asks is Request.TLS_HELP:
        return tls_usage()
    if command.asks is Request.COMPLETION:
        return completion(str(command.given[SHELL]))
    return usage()


def _data_plane() -> str:
    return os.environ.get("PYNATSD_DATA_PLANE") or os.environ.get("DATA_PLANE") or AUTO


def _twin() -> str:
    """The data plane that would run."""
    try:
        return choose(_data_plane())[0]
    except DataPlaneUnavailable:
        return "no data plane"


def _check(command: CommandLine) -> int:
    """Print what would keep a server from starting, and what has no effect."""
    from .preflight import obstacles  # noqa: PLC0415 - a server that starts needs none of it

    found = examine(command.given, os.environ)
    problems = list(found.problems)
    if found.options is not None:
        problems += obstacles(found.options, found.given, _data_plane())
    complain("".join(f"{line}\n" for line in (*in_order(problems), *found.notices, *command.notices)))
    if problems or found.options is None:
        return _FAILED
    path = command.given.get(CONFIG_FILE)
    return _status(said=say(f"configuration {path} is valid\n" if path else "the flags are valid\n"))


def _send(text: str) -> int:
    """Send a signal to a server that runs."""
    try:
        send_signal(text)
    except SignalError as error:
        complain(f"{error}\n")
        return _FAILED
    return _DONE


def _status(*, said: bool) -> int:
    return _DONE if said else _FAILED
