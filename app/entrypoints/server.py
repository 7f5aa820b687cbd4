"""``python -m app.entrypoints.server``: run a server until a signal ends it.

What a server needs takes a quarter of a second to import, and a service manager may
change its mind meanwhile; so signals come first.
"""

import gc
import os
import sys
from collections.abc import Callable, Sequence

from . import signals

_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
"""What pydantic asks whether it may look for plugins: in each package that is installed."""

Run = Callable[[Sequence[str], signals.Handlers], int]


def main(words: Sequence[str] | None = None) -> int:
    """Do what a command line asks for; return the exit status."""
    usual = signals.exit_at_once()
    gc.disable()  # what an import makes is no garbage; a server collects again when it has started
    try:
        return _imported()(sys.argv[1:] if words is None else words, usual)
    finally:
        gc.enable()


def _imported() -> Run:
    """Import the command line, and keep pydantic from looking for plugins for our options."""
    given = os.environ.get(_PLUGINS)
    os.environ[_PLUGINS] = "__all__"
    try:
        from .command import run_command  # noqa: PLC0415 - signals come first
    finally:
        if given is None:
            del os.environ[_PLUGINS]
        else:
            os.environ[_PLUGINS] = given
    return run_command


if __name__ == "__main__":
    sys.exit(main())
