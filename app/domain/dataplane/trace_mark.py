"""The mark of a message that asks to be traced: a field of its headers (ADR 0063).

Only inlets with `Inlet.traces` look for it, and only in messages that have headers.
"""

MARK = b"\nNats-Trace-Dest:"
"""The field, at the beginning of a line, its name to the letter as in nats-server."""


def asks(block: bytes) -> bool:
    """Whether this header block, or none, asks for a trace."""
    return MARK in block
