"""A messaging server for NATS clients, written in Python.

What is named here is public, and is imported from ``pynatsd``; all else is private.
"""

import sys

from .domain.certificate import CertificateNames
from .domain.connection_type import ConnectionType
from .domain.credentials import Answer, Credentials, Identity, PendingVerdict

__all__ = [
    "Answer",
    "CertificateNames",
    "ConnectionType",
    "Credentials",
    "Identity",
    "PendingVerdict",
    "__version__",
]

__version__ = "0.1.0"

# A server that runs in the checkout offers authenticators the name that they import.
if __name__ == "app":
    sys.modules.setdefault("pynatsd", sys.modules[__name__])
