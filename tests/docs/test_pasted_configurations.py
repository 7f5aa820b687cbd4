"""The configurations that documents show can be used unchanged."""

import re
from pathlib import Path

import pytest

from app.config.flags import CONFIG_FILE
from app.config.load import load
from tests.support.server_process import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"^```conf\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    )
]


def test_documents_show_configurations() -> None:
    """The pattern above finds something."""
    assert len(SHOWN) >= 2


@pytest.mark.parametrize("text", SHOWN)
def test_a_reader_may_paste_it(tmp_path: Path, text: str) -> None:
    """Nothing in a block is a mistake, and nothing is without effect."""
    file = tmp_path / "pasted.conf"
    file.write_text(text, "utf-8")

    assert () == load({CONFIG_FILE: str(file)}, {}).notices
