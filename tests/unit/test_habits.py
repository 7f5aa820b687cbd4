"""What the type checker is not asked about: few places, each with its reason; no casts in the domain."""

import re

from tests.support.server_process import ROOT

FILES = (ROOT / "app").rglob("*.py")
SOURCES = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in FILES}
IGNORED = re.compile(r"# type: ignore\b.*$", re.MULTILINE)
WITH_REASON = re.compile(r"# type: ignore\[[\w-]+(?:, [\w-]+)*\] (?:# noqa: [A-Z0-9, ]+ - |# )\w.*")
MOST_IGNORED = 4


def test_the_domain_has_no_casts() -> None:
    """The domain states its types so that none has to be claimed."""
    domain = {name: text for name, text in SOURCES.items() if name.startswith("app/domain/")}

    assert domain
    assert [] == [name for name, text in domain.items() if re.search(r"\bimport\b.*\bcast\b", text)]


def test_what_is_ignored_is_rare_and_has_a_reason() -> None:
    """An error of types that is ignored says why, in the same line."""
    ignored = [(name, line) for name, text in SOURCES.items() for line in IGNORED.findall(text)]

    assert [] == [place for place in ignored if not WITH_REASON.fullmatch(place[1])]
    assert len(ignored) <= MOST_IGNORED
