"""Names of streams and consumers, as they are in the subjects of requests."""

from ..errors import JetStreamError

_SEPARATORS = frozenset("/\\")


def stream_name(name: str) -> str:
    """That name; raises error 10128 for one that could lead out of a directory."""
    if not _SEPARATORS.isdisjoint(name):
        raise JetStreamError(10128)
    return name


def consumer_name(name: str) -> str:
    """The same; raises error 10127."""
    if not _SEPARATORS.isdisjoint(name):
        raise JetStreamError(10127)
    return name
