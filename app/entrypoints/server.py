"""``python -m app.entrypoints.server``: run a server until a signal ends it.

What a server needs takes a quarter of a second to import, and a service manager may
change its mind meanwhile; so signals come first.
"""

import gc
import sys
from collections.abc import Sequence

from . import signals


def main(words: Sequence[str] | None = None) -> int:
    """Do what a command line asks for; return the exit status."""
    usual = signals.exit_at_once()
    return _obey(sys.argv[1:] if words is None else words, usual)


def program() -> int:
    """The same in a process that does nothing else: when all is done, it ends at once (ADR 0068)."""
    usual = signals.exit_at_once()
    from ..adapters.process.quick_end import end_quickly_at_exit  # noqa: PLC0415 - signals come first

    end = end_quickly_at_exit(sys._getframe(1))  # noqa: SLF001 - who calls decides whether the process is ours
    return end.with_status(_obey(sys.argv[1:], usual))


def _obey(words: Sequence[str], usual: signals.Handlers) -> int:
    from .quick_import import quick_import  # noqa: PLC0415 - signals come first

    with quick_import():
        from .command import run_command  # noqa: PLC0415 - the same
    try:
        return run_command(words, usual)
    finally:
        gc.enable()  # a server has done so when it had started


if __name__ == "__main__":
    sys.exit(program())
