"""``python -m pynatsd``: run a server; in a checkout, ``python -m app``."""

import sys

from .entrypoints.server import main

if __name__ == "__main__":
    sys.exit(main())
