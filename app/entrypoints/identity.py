"""The name and version of this program."""

import platform

from .. import __version__

ADVERTISED_VERSION = "0.8.0"
"""The version of gnatsd whose protocol is spoken with `compatibility` 0.8.0."""

PROGRAM = f"pynatsd {__version__}"
RUNTIME = f"{platform.python_implementation()} {platform.python_version()}"
