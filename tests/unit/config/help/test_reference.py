"""Unit tests of the reference page."""

from app.config.flags import BLOCKS, CONFIG_FILE, SHELL, SIGNAL
from app.config.help.reference import reference
from tests.support.server_process import ROOT


def test_the_page_is_up_to_date() -> None:
    """What docs/options.md says is what the model says; ``make reference`` writes it again."""
    assert (ROOT / "docs" / "options.md").read_text("utf-8") == reference()


def test_every_flag_of_an_option_is_there() -> None:
    """Each flag that sets one option is beside it."""
    page = reference()
    flags = [
        flag
        for block in BLOCKS.values()
        for flag in block
        if len(flag.sets) == 1 and flag.sets[0] not in (CONFIG_FILE, SHELL, SIGNAL)
    ]

    assert [] == [flag.spelling for flag in flags if f"-{flag.listed[-1]}`" not in page]


def test_rows() -> None:
    """A row has the names, the flags, the kind of value with its bounds, the default, and the meaning."""
    rows = reference().splitlines()

    assert (
        "| `port` | `-p`, `--port` | -1 to 65535 | `4222` | no | Port for clients; -1 picks a free port. |"
        in rows
    )
    assert (
        "| `max_payload` | | 1 to 1073741824 bytes | `1048576` | yes | Maximum payload of a message. |"
        in rows
    )
    assert "| `user`, `username` | | string | | yes | User name. |" in rows
    assert "| `http` | | address | | no | Address for monitoring over HTTP; off by default. |" in rows
