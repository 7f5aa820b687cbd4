"""How often threads of this process take turns."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SHORT_SECONDS = 0.0005
"""How long another thread may keep the event loop's thread waiting."""


@contextmanager
def short_switch_interval() -> Iterator[None]:
    """Let threads take turns more often meanwhile, so that an import does not hold up the loop.

    It changes the interpreter for all its threads: only a program that is a server may ask for it.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(min(_SHORT_SECONDS, usual))
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
