"""Scripts are saved and loaded, and have equal outcomes on both twins."""

import random
from pathlib import Path

import pytest

from app.domain.dataplane import PYTHON, choose
from fuzz.__main__ import CORPUS
from fuzz.mutate import Mutator
from fuzz.script import CURRENT, PIECES, SEND, WAIT, Script, ScriptOutcome, ScriptStep, load, play, save
from tests.support.twins import twins

SEEDS = sorted(CORPUS.glob("*.json"))
HEADED = b'CONNECT {"verbose":false,"headers":true}\r\nSUB a 1\r\nHPUB a 14 16\r\nNATS/1.0\r\n\r\n\r\nhi\r\n'


def _plainly(script: Script) -> ScriptOutcome:
    """The outcome on the plain twin."""
    return play(choose(PYTHON)[1], script)


def test_a_script_survives_its_file(tmp_path: Path) -> None:
    """Every byte value is loaded as it was saved."""
    script = (ScriptStep(SEND, 1, bytes(range(256))), ScriptStep(WAIT, 0, b"", 2.5))

    save(tmp_path / "x.json", script)

    assert script == load(tmp_path / "x.json")


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_seeds_agree(path: Path) -> None:
    """Every script of the corpus has the same outcome on all twins, and a visible one."""
    outcomes = [play(choose(twin)[1], load(path)) for twin in twins()]

    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert any(outcomes[0].heard) or any(outcomes[0].ended)


def test_a_script_may_want_a_server_of_today() -> None:
    """Headers are served where a step asks for it; without one the protocol is gnatsd's."""
    today = _plainly((ScriptStep(CURRENT), ScriptStep(SEND, 0, HEADED)))
    gnatsd = _plainly((ScriptStep(SEND, 0, HEADED),))

    assert b"HMSG a 1 14 16\r\nNATS/1.0\r\n\r\n\r\nhi\r\n" == today.heard[0]
    assert (True, False) == (gnatsd.ended[0], today.ended[0])


@pytest.mark.parametrize("size", [1, 2, 7])
def test_small_reads_change_nothing(size: int) -> None:
    """A chunk in reads of a few bytes has the outcome of the whole chunk."""
    whole = (ScriptStep(CURRENT), ScriptStep(SEND, 0, HEADED))
    pieces = (ScriptStep(CURRENT), ScriptStep(PIECES, 0, HEADED, size))

    assert _plainly(whole) == _plainly(pieces)


def test_mutated_scripts_have_headers() -> None:
    """Among them are headers that arrive, and are cut off, at clients and routes, and errors."""
    chance = random.Random(5)
    mutator = Mutator(chance)
    scripts = [load(path) for path in SEEDS if "headers" in path.stem]
    heard = b""
    for _ in range(60):
        outcome = _plainly(mutator.mutate(chance.choice(scripts), chance.choice(scripts)))
        heard += b"".join(outcome.heard)

    assert all(word in heard for word in (b"HMSG a 1 22 ", b"MSG a 1 2\r\nhi", b"-ERR '", b"HMSG b RSID:"))


def test_equal_seeds_make_equal_scripts() -> None:
    """Equal random seeds make equal scripts."""
    seeds = [load(path) for path in SEEDS]
    made = [
        [mutator.mutate(seed, seeds[0]) for seed in seeds]
        for mutator in (Mutator(random.Random(7)), Mutator(random.Random(7)))
    ]

    assert made[0] == made[1]


def test_mutated_scripts_agree() -> None:
    """A short round without the sanitizer: what `make fuzz` does for longer."""
    chance = random.Random(11)
    mutator = Mutator(chance)
    scripts = [load(path) for path in SEEDS]
    for _ in range(150):
        script = mutator.mutate(chance.choice(scripts), chance.choice(scripts))
        outcomes = [play(choose(twin)[1], script) for twin in twins()]

        assert all(outcome == outcomes[0] for outcome in outcomes), script
