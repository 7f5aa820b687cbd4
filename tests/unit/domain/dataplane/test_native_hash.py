"""The hash of the compiled twin's table: SipHash-1-3, keyed by what no peer knows."""

import importlib
import itertools
import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane import NATIVE, choose
from tests.fakes.data_plane import Stage
from tests.support.twins import twins

pytestmark = pytest.mark.skipif(NATIVE not in twins(), reason="the native twin is not built")

WORDS = st.integers(0, 2**64 - 1)
INTERCHANGEABLE = (b"abcdefghijklmnop", b"abcdefg\xe8ijk\xecmno\xf0")
"""Blocks that a hash with one multiplication for eight bytes takes for the same, whatever its key."""


@pytest.fixture(name="native")
def _native() -> Any:  # noqa: ANN401 - the compiled module has no types but one
    return importlib.import_module("app.domain.dataplane.native")


def textbook(data: bytes, first: int, second: int) -> int:
    """SipHash as its paper has it, with one round for each word and three at the end."""
    mask = 2**64 - 1
    v = [first, second, first, second]
    v = [one ^ int.from_bytes(two, "big") for one, two in zip(v, _CONSTANTS, strict=True)]

    def rotate(x: int, bits: int) -> int:
        return (x << bits | x >> (64 - bits)) & mask

    def stir() -> None:
        v[0] = (v[0] + v[1]) & mask
        v[1] = rotate(v[1], 13) ^ v[0]
        v[0] = rotate(v[0], 32)
        v[2] = (v[2] + v[3]) & mask
        v[3] = rotate(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & mask
        v[3] = rotate(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & mask
        v[1] = rotate(v[1], 17) ^ v[2]
        v[2] = rotate(v[2], 32)

    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) % 256])
    for start in range(0, len(padded), 8):
        word = int.from_bytes(padded[start : start + 8], "little")
        v[3] ^= word
        stir()
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(3):
        stir()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


_CONSTANTS = (b"somepseu", b"dorandom", b"lygenera", b"tedbytes")


@given(st.binary(max_size=40), WORDS, WORDS)
def test_it_is_the_hash_of_the_paper(data: bytes, first: int, second: int) -> None:
    """Every key and every input give the textbook's number."""
    native: Any = importlib.import_module("app.domain.dataplane.native")

    assert textbook(data, first, second) == native.siphash(data, first, second)


@given(st.binary(max_size=40), WORDS, WORDS, st.integers(1, 2**31 - 1))
def test_further_tokens_are_a_word_before(data: bytes, first: int, second: int, further: int) -> None:
    """How many tokens follow is taken in before the prefix."""
    native: Any = importlib.import_module("app.domain.dataplane.native")
    whole = further.to_bytes(8, "little") + data

    assert textbook(whole, first, second) == native.siphash(data, first, second, further)


@pytest.mark.skipif(sys.hash_info.algorithm != "siphash13", reason="another hash")
def test_the_interpreter_has_the_same(native: Any) -> None:  # noqa: ANN401 - see above
    """With a key of zeros, it is what the interpreter says when its own key is switched off."""
    code = "print(hash(b'abcdefghijklmnop'))"
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)

    assert int(said.stdout) % 2**64 == native.siphash(b"abcdefghijklmnop", 0, 0)


@given(WORDS, WORDS)
def test_blocks_are_not_interchangeable(first: int, second: int) -> None:
    """No key lets the known pair of blocks collide."""
    native: Any = importlib.import_module("app.domain.dataplane.native")

    assert 2 == len({native.siphash(block, first, second) for block in INTERCHANGEABLE})


@pytest.mark.parametrize("members", [False, True], ids=["subjects", "members"])
def test_chosen_names_make_no_long_runs(members: bool) -> None:  # noqa: FBT001 - a case
    """Two thousand names of interchangeable blocks are spread over the table like any others."""
    _, make_plane = choose(NATIVE)
    stage = Stage(make_plane)
    station = stage.route() if members else stage.station()
    names = [b"".join(blocks) for blocks in itertools.product(INTERCHANGEABLE, repeat=11)]

    for name in names:
        station.feed(b"MSG a QRSID:%b 0\r\n\r\n" % name if members else b"PUB %b 0\r\n\r\n" % name)

    plane: Any = stage.plane
    assert plane.longest_run() < 100
