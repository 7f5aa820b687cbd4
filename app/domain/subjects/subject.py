"""Subject grammar: tokens, wildcards and matching (subjects-and-routing.md, sections 1 and 2).

A subject is a byte string of tokens joined by ``.``. In a subscription the
whole token ``*`` means exactly one token and a final ``>`` for one or
more. A token that merely contains these signs is literal text.
"""

from collections.abc import Sequence

ONE = b"*"
REST = b">"


def tokens_of(subject: bytes) -> list[bytes]:
    """The tokens, empty ones included."""
    return subject.split(b".")


def is_literal(subject: bytes) -> bool:
    """Whether a pedantic client may publish to it: no empty token, no wildcard."""
    return is_plain(tokens_of(subject))


def is_plain(tokens: Sequence[bytes]) -> bool:
    """Whether no token is empty or a wildcard."""
    return b"" not in tokens and ONE not in tokens and REST not in tokens


def is_pattern(tokens: Sequence[bytes]) -> bool:
    """Whether it may be subscribed to: no empty token, nothing after ``>``."""
    return b"" not in tokens and REST not in tokens[:-1]


def has_wildcard(tokens: Sequence[bytes]) -> bool:
    """Whether a valid pattern can match subjects other than itself."""
    return tokens[-1] == REST or ONE in tokens


def matches(pattern: Sequence[bytes], subject: Sequence[bytes]) -> bool:
    """Whether a valid pattern covers a published subject, both as tokens.

    Wildcards in the published subject are literal text, and a subject with an
    empty token is covered by nothing.
    """
    return may_match(pattern, subject, 0)


def may_match(pattern: Sequence[bytes], prefix: Sequence[bytes], further: int) -> bool:
    """Whether a valid pattern covers some subject of these tokens and `further` more."""
    if b"" in prefix:
        return False
    length = len(prefix) + further
    if pattern[-1] == REST:
        pattern = pattern[:-1]
        if length <= len(pattern):
            return False
    elif length != len(pattern):
        return False
    for own, token in zip(pattern, prefix, strict=False):  # noqa: SIM110 - a generator is a further call
        if own not in (token, ONE):
            return False
    return True
