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
    from .quick_import import quick_import  # noqa: PLC0415 - signals come first

    with quick_import():
        from .command import run_command  # noqa: PLC0415 - the same
    try:
        return run_command(sys.argv[1:] if words is None else words, usual)
    finally:
        gc.enable()  # a server has done so when it had started


if __name__ == "__main__":
    sys.exit(main())
