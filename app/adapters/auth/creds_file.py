"""Creds files: a JWT and the seed that signs for it, as NATS tools write them (leaf-nodes.md, section 8).

-----BEGIN NATS USER JWT-----
eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.…
------END NATS USER JWT------
-----BEGIN USER NKEY SEED-----
SUA…
------END USER NKEY SEED------
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ...domain.failure import reason_of
from ...domain.security.nkey import user_seed

LARGEST = 64 * 1024

_MARK = re.compile(r"\s*-{3,}\s*(BEGIN|END)\b([^-]*)-{3,}\s*", re.ASCII)
_JWT = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2}", re.ASCII)
_KINDS = ("JWT", "SEED")


class CredsError(Exception):
    """The file cannot be used. The text, one line, names file and line, and holds nothing of its contents."""


@dataclass(frozen=True, slots=True)
class Creds:
    """What is in a creds file."""

    jwt: str = field(repr=False)
    seed: str = field(repr=False)


def read_creds(file: str) -> Creds:
    """The contents of a file. Raises `CredsError`."""
    try:
        with Path(file).open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = reason_of(error)
        raise CredsError(f"error opening creds file {file}: {reason.lower()}") from None
    if len(data) > LARGEST:
        raise CredsError(f"{file}: larger than {LARGEST // 1024} KiB, so it is not a creds file")
    return parse_creds(data.decode("latin-1"), file)


def parse_creds(text: str, file: str) -> Creds:
    """What `text` says, which is that of `file`. Raises `CredsError`."""
    found: dict[str, tuple[int, str]] = {}
    for kind, line, content in _parts(text, file):
        found.setdefault(kind, (line, content))
    for kind, begin in (("JWT", "BEGIN NATS USER JWT"), ("SEED", "BEGIN USER NKEY SEED")):
        if kind not in found:
            raise CredsError(f'{file}: there is no line "-----{begin}-----" in it')
    (jwt_line, jwt), (seed_line, seed) = found["JWT"], found["SEED"]
    if not _JWT.fullmatch(jwt):
        raise CredsError(f"{file}:{jwt_line}: expected a JWT, three parts with dots between them")
    if user_seed(seed) is None:
        raise CredsError(f"{file}:{seed_line}: expected the seed of a user, which begins with SU")
    return Creds(jwt, seed)


def _parts(text: str, file: str) -> Iterator[tuple[str, int, str]]:
    """What is between each pair of marks: its kind, its first line, and its text without blanks."""
    kind, begun, content = "", 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = _MARK.fullmatch(line)
        if mark is None:
            content += "".join(line.split()) if kind else ""
        elif mark[1] == "END":
            if kind:
                yield kind, begun, content
            kind = ""
        elif kind:
            raise CredsError(f"{file}:{number}: the part that begins at line {begun - 1} has no END")
        else:
            kind = next((each for each in _KINDS if each in mark[2].split()), "")
            begun, content = number + 1, ""
    if kind:
        raise CredsError(f"{file}:{begun - 1}: the part that begins here has no END")
