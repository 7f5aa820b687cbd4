"""When the certificates in files end."""

from pathlib import Path

import pytest

from app.adapters.net_asyncio.certificate_dates import not_after
from app.adapters.net_asyncio.tls_context import TlsError
from tests.support.certificates import certificates


def test_the_date_is_that_of_the_first_certificate() -> None:
    """It is in seconds since the epoch."""
    assert 1_009_843_200.0 == not_after(certificates().expired_server.cert_file)


def test_files_without_a_certificate(tmp_path: Path) -> None:
    """The error names the file and the reason."""
    with pytest.raises(TlsError, match="error reading certificate /nope: no such file or directory"):
        not_after("/nope")
    (tmp_path / "x").write_text("x", "ascii")
    with pytest.raises(TlsError, match="error reading certificate "):
        not_after(str(tmp_path / "x"))
