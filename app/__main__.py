"""``python -m pynatsd``: run a server; in a checkout, ``python -m app``."""

import sys

from .entrypoints.server import program

if __name__ == "__main__":
    sys.exit(program())
