"""Unit tests of creds files."""

from pathlib import Path

import pytest

from app.adapters.auth.creds_file import LARGEST, Creds, CredsError, parse_creds, read_creds
from tests.support.creds import JWT, creds_text
from tests.support.nkeys import NkeyUser, seed_text

USER = NkeyUser()
TEXT = creds_text(USER)


@pytest.mark.parametrize(
    "text", [TEXT, TEXT.replace("\n", "\r\n"), TEXT.replace(JWT, f"{JWT[:20]}\n {JWT[20:]} ")]
)
def test_a_file(text: str) -> None:
    """JWT and seed are found, whatever the line ends, and also when lines are wrapped."""
    assert Creds(JWT, USER.seed) == parse_creds(text, "x.creds")


def test_the_first_of_each_counts() -> None:
    """Further parts, as of other tools, are left alone."""
    more = "-----BEGIN NOTE-----\nhello\n-----END NOTE-----\n"
    assert Creds(JWT, USER.seed) == parse_creds(more + TEXT + creds_text(NkeyUser(2)), "x.creds")


def test_nothing_of_it_is_shown() -> None:
    """The representation has neither JWT nor seed."""
    shown = repr(parse_creds(TEXT, "x.creds"))

    assert JWT not in shown
    assert USER.seed not in shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'x.creds: there is no line "-----BEGIN NATS USER JWT-----" in it'),
        (
            TEXT[: TEXT.index("\n\n")] + "\n",
            'x.creds: there is no line "-----BEGIN USER NKEY SEED-----" in it',
        ),
        (TEXT.replace(JWT, "a.b"), "x.creds:2: expected a JWT, three parts with dots between them"),
        (
            TEXT.replace(USER.seed, USER.seed[:-1]),
            "x.creds:9: expected the seed of a user, which begins with SU",
        ),
        (
            TEXT.replace(USER.seed, seed_text(b"a" * 32, prefix=0)),
            "x.creds:9: expected the seed of a user, which begins with SU",
        ),
        (
            TEXT.replace("------END USER NKEY SEED------", ""),
            "x.creds:8: the part that begins here has no END",
        ),
        (
            TEXT.replace("------END NATS USER JWT------", ""),
            "x.creds:8: the part that begins at line 1 has no END",
        ),
    ],
)
def test_what_is_wrong(text: str, message: str) -> None:
    """An error names file and line, and repeats nothing of the file."""
    with pytest.raises(CredsError) as raised:
        parse_creds(text, "x.creds")

    assert message == str(raised.value)


def test_reading(tmp_path: Path) -> None:
    """A file is read whole, unless it is too large to be one."""
    file = tmp_path / "x.creds"
    file.write_text(TEXT)
    assert Creds(JWT, USER.seed) == read_creds(str(file))

    file.write_bytes(b"x" * (LARGEST + 1))
    with pytest.raises(CredsError, match="larger than 64 KiB, so it is not a creds file"):
        read_creds(str(file))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The reason is the system's."""
    with pytest.raises(CredsError, match=r"error opening creds file .*no such file or directory"):
        read_creds(str(tmp_path / "none.creds"))
    with pytest.raises(CredsError, match="embedded null byte"):
        read_creds("a\0b")
