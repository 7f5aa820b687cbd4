"""Messages that are refused for their headers."""

import pytest

from app.domain.sessions.header_faults import has_headers


@pytest.mark.parametrize(
    ("line", "found"),
    [(b"HPUB a 1 2", True), (b"hpub\ta 1 2", True), (b"PUB a 2", False), (b"HPUBx", False), (b"", False)],
)
def test_which_lines_begin_such_a_message(line: bytes, *, found: bool) -> None:
    """It is the verb that counts, in any case, with a blank or a tab."""
    assert found == has_headers(line)
