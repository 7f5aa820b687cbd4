"""Subjects that belong to servers."""

import pytest

from app.domain.dataplane.reserved import is_reserved, is_reserved_reply, is_reserved_subject


@pytest.mark.parametrize(
    ("subject", "as_subject", "as_reply"),
    [
        (b"_GR_.x", True, True),
        (b"$GR.x", True, True),
        (b"_GR_.", False, False),
        (b"$GR.", False, False),
        (b"_R_.x", False, True),
        (b"_R_.", False, True),
        (b"$JS.ACK.x", False, True),
        (b"$JS.ACK.", False, False),
        (b"$JS.API.x", False, False),
        (b"_INBOX.x", False, False),
        (b"", False, False),
    ],
)
def test_which_they_are(subject: bytes, *, as_subject: bool, as_reply: bool) -> None:
    """Those of gateways are closed to clients altogether, the others as reply subjects alone."""
    assert (as_subject, as_reply) == (is_reserved_subject(subject), is_reserved_reply(subject))
    assert (as_subject, as_reply) == (is_reserved(subject, b""), is_reserved(b"a", subject))
