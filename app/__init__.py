"""A messaging server for NATS clients, written in Python.

What is named here is public, and is imported from ``pynatsd``; all else is private.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from .domain.connection_type import ConnectionType
from .domain.hooks.decisions import Allow, Refuse, Rewrite
from .domain.permissions.rules import Permissions, Responses, Rule, entry
from .domain.security.certificate import CertificateNames
from .domain.security.credentials import Answer, Credentials, Identity, PendingVerdict

if TYPE_CHECKING:
    from .domain.hooks.hook_event import HookClient, HookEvent
    from .embedding.client import Client, ClientClosed, Message, NoResponders, Subscription
    from .embedding.cluster import Cluster
    from .embedding.server import Server
    from .embedding.threaded import ThreadedCluster, ThreadedServer
    from .entrypoints.reload import ReloadRefused
    from .entrypoints.service import CannotStart
    from .ports.hooks import Hooks

__all__ = [
    "Allow",
    "Answer",
    "CannotStart",
    "CertificateNames",
    "Client",
    "ClientClosed",
    "Cluster",
    "ConnectionType",
    "Credentials",
    "HookClient",
    "HookEvent",
    "Hooks",
    "Identity",
    "Message",
    "NoResponders",
    "PendingVerdict",
    "Permissions",
    "Refuse",
    "ReloadRefused",
    "Responses",
    "Rewrite",
    "Rule",
    "Server",
    "Subscription",
    "ThreadedCluster",
    "ThreadedServer",
    "__version__",
    "entry",
]

__version__ = "0.1.0"

_MODULES = {
    "CannotStart": ".entrypoints.service",
    "Client": ".embedding.client",
    "ClientClosed": ".embedding.client",
    "Cluster": ".embedding.cluster",
    "HookClient": ".domain.hooks.hook_event",
    "HookEvent": ".domain.hooks.hook_event",
    "Hooks": ".ports.hooks",
    "Message": ".embedding.client",
    "NoResponders": ".embedding.client",
    "ReloadRefused": ".entrypoints.reload",
    "Server": ".embedding.server",
    "Subscription": ".embedding.client",
    "ThreadedCluster": ".embedding.threaded",
    "ThreadedServer": ".embedding.threaded",
}
"""What is imported when it is asked for: an authenticator needs no server."""


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name], __name__), name)


# A server that runs in the checkout offers authenticators the name that they import.
if __name__ == "app":
    sys.modules.setdefault("pynatsd", sys.modules[__name__])
