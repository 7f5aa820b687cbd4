"""Subjects that belong to servers (permission-rules.md, section 2; later-client-features.md, section 8)."""

USER_INFO = b"$SYS.REQ.USER.INFO"
"""Where clients ask who they are; the server answers its own clients."""

_SUBJECTS = (b"_GR_.", b"$GR.")
"""How those begin that gateways have; at least one byte follows."""

_REPLIES = (*_SUBJECTS, b"$JS.ACK.")
"""The same of reply subjects."""

_SERVICE_REPLY = b"_R_."
"""How those of exported services begin."""


def is_reserved(subject: bytes, reply: bytes) -> bool:
    """Whether servers alone publish to the subject, or name this reply subject; empty for none."""
    return is_reserved_subject(subject) or (bool(reply) and is_reserved_reply(reply))


def is_reserved_subject(subject: bytes) -> bool:
    """Whether servers alone publish to it."""
    return subject.startswith(_SUBJECTS) and subject not in _SUBJECTS


def is_reserved_reply(reply: bytes) -> bool:
    """Whether servers alone name it as a reply subject."""
    return reply.startswith(_SERVICE_REPLY) or (reply.startswith(_REPLIES) and reply not in _REPLIES)
