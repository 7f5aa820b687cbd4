"""The servers of a leaf link, as the benchmarks configure them."""

from pathlib import Path

import pytest

from app.config.flags import CONFIG_FILE
from app.config.load import load
from benchmarks.cluster import Pair
from benchmarks.leaves import hub_file, leaf_file


@pytest.mark.parametrize("text", [hub_file(7422), leaf_file(7422)], ids=["hub", "leaf"])
def test_ours_takes_the_configuration(tmp_path: Path, text: str) -> None:
    """Both files are without a mistake, for ours as for the peer."""
    file = tmp_path / "bench.conf"
    file.write_text(text, "utf-8")

    assert () == load({CONFIG_FILE: str(file)}, {}).notices


def test_a_pair_for_the_other_direction() -> None:
    """Publishers and receivers change places."""
    assert Pair(2, 1) == Pair(1, 2).turned()
