"""Unit tests of the help texts."""

from app.config.flag_syntax import boolean
from app.config.flags import BLOCKS, Flag
from app.config.help.usage import rows, tls_usage, usage
from app.domain.security.cipher_suites import SUITES
from app.domain.security.curves import CURVES


def test_the_help_text() -> None:
    """The help begins with what to type, has a paragraph for each group, and ends with where to read on."""
    paragraphs = usage().split("\n\n")

    assert "\nUsage: pynatsd [options]" == paragraphs[0]
    assert "pynatsd -t -c /etc/pynatsd/pynatsd.conf" in paragraphs[2]
    assert list(BLOCKS) == [part.partition(":")[0] for part in paragraphs[3 : 3 + len(BLOCKS)]]
    assert "DATA_PLANE" in paragraphs[-2]
    assert "docs/options.md" in paragraphs[-1]


def test_every_flag_is_explained() -> None:
    """Each flag has a line of its own, in columns, with its default where it has one."""
    text = usage()

    assert all(f"    {flag.spelling}" in text for block in BLOCKS.values() for flag in block)
    assert (
        "    -p, --port PORT                  Listen on PORT; -1 picks a free port (default: 4222)\n" in text
    )
    assert "        --cluster_advertise ADDRESS  Address to advertise to other servers\n" in text
    assert all(len(line) <= 110 for line in text.splitlines())


def test_a_long_spelling_has_a_line_of_its_own() -> None:
    """A spelling that is too long for its column leaves the texts in theirs."""
    flag = Flag("-u, -display-subscriptions-column", boolean, "Show it", ("u",))

    assert f"X:\n    {flag.spelling}\n{' ' * 37}Show it\n\n" == rows({"X": (flag,)}, {})


def test_the_help_on_tls() -> None:
    """A sample of the section, and below it every name of a suite and of a curve."""
    sample, _, names = tls_usage().partition("Available cipher suites:\n\n")

    assert "    tls {\n        cert_file:" in sample
    suites, _, curves = names.partition("Available curve preferences:\n")
    assert list(SUITES) == suites.split()
    assert list(CURVES) == curves.split()
