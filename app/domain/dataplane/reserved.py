"""Subjects that belong to servers, and which no client may use (permission-rules.md, section 2)."""

_SUBJECTS = (b"_GR_.", b"$GR.")
"""How those begin that gateways have; at least one byte follows."""

_REPLIES = (*_SUBJECTS, b"$JS.ACK.")
"""The same of reply subjects."""

_SERVICE_REPLY = b"_R_."
"""How those of exported services begin."""


def is_reserved_subject(subject: bytes) -> bool:
    """Whether servers alone publish to it."""
    return subject.startswith(_SUBJECTS) and subject not in _SUBJECTS


def is_reserved_reply(reply: bytes) -> bool:
    """Whether servers alone name it as a reply subject."""
    return reply.startswith(_SERVICE_REPLY) or (reply.startswith(_REPLIES) and reply not in _REPLIES)
