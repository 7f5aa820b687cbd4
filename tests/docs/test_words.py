"""Words that this project does not use: private names, and prose that is no plain technical English.

A word is on the list only if it is wrong wherever it is found. Some words are wrong in one
place alone, such as the tests of the simulation. An exception has its reason beside it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.server_process import ROOT

TOPS = ("app", "benchmarks", "deploy", "docs", "examples", "fuzz", "screenshots", "soak", "tests")
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile")
SUFFIXES = frozenset(
    {".py", ".pyi", ".pyx", ".pxi", ".lark", ".js", ".css", ".html", ".md", ".conf", ".yml", ".service"}
)
GIVEN = ("tests/config/",)
"""Files that stand for those of users; their words are not ours."""

PROSE = {
    "so many": "n, or a number",
    "whoever": "a client that, one that",
    "whomever": "a client that",
    "of late": "recently",
    "borne": "allowed, tolerated",
    "mend(s|ed|ing)?": "fix, repair, recover",
    "mourn(s|ed|ing)?": "remove later",
    "bur(y|ies|ied|ial|ials)": "remove in batches",
    "graves?": "connections that are being closed",
    "heralds?": "interest announcer",
    "solicitors?": "route dialer",
    "vigils?": "liveness",
    "transcripts?": "trace",
    "timetables?": "timers",
    "representatives?": "remote interest",
    "waiting rooms?": "check queue",
    "hash benches|hash bench": "hash workers",
    "courts?": "pending check",
    "surveys?": "snapshot",
    "doors?": "listener, acceptor",
    "tidying": "memory trimming",
    "dear(er|est|ly)?": "expensive",
    "told": "sent, logged, reported, known",
    "tells": "sends, logs, reports, shows",
    "(a|one|two|each|every|last|next|first|second) looks?(?!-)": "check, sample, look-up",
    "(between|old|large)( the)? looks?(?!-)": "check, snapshot",
    "as (it|they) stands?": "unchanged, literally",
    "shall be": "is, must be",
    "behind (it|them|this|that)": "after",
    "behind (the|its|a) (sid|line|payload|name|number|verb|message|handshake|blank)": "after",
    "behind (CONNECT|INFO|PING|PONG|SUB|UNSUB|PUB|MSG)": "after",
    "behind (its|all|some|another|more|less|many|what|those|wrong|large)": "after",
    "behind (the|a) (last|end|prefix|others|reason|reply|dot|question mark|fatal error|large|whole)": "after",
    "(text|NUL|blanks?|LF|end|right|even|comma) behind": "after",
    "surroundings": "host",
    "(for|a) want of": "lack of",
    "strangers?": "hostile peer, unknown client, somebody else",
    "in vain": "without effect, for nothing",
    "calendars?": "wall time",
    "planted": "injected",
}
"""What is not written, whatever its case, and what is written instead."""

NAMES = {
    "Surroundings": "SessionHost",
    "WaitingRoom|waiting_room": "CheckQueue",
    "HashBench|hash_bench": "HashWorkers",
    "Representatives": "RemoteInterest",
    "[A-Za-z_]*(StandIns?|stand_ins|STAND_INS)": "Failover",
    "_?Herald|_?Solicitor|_?Vigil|_?Transcript|_?Timetable": "the field's term",
    "_Court|_Case": "PendingCheck",
    "Survey|Findings": "Snapshot, Rates",
    "client_session": "sessions.client",
    "[A-Za-z]*Doors?|Door[A-Z][A-Za-z]*": "Listener, Acceptor",
    "Passage|HookPassage": "HookPipeline",
    "last_words": "closing_record",
    "readmi(t|tted|ssion)|Readmitted": "reauthorize",
    "Crossing": "MessageSource",
    "LeafPicture|RemotePicture": "LeafSummary",
    "_decoy": "a dummy secret",
    "_?Way": "PullSide, PushSide, NodePath",
    "Served": "ScheduledConsumer",
}
"""Names of modules, classes and fields that were given up, and those that are used."""

ELSEWHERE = {
    "planted|planting": "mutant",
    "truth": "oracle",
}
"""Words of the simulation that were given up; elsewhere they may be meant."""
SIMULATION = ("tests/simulation/", "docs/simulation.md", "docs/adr/0019-simulation.md")

ALLOWED = {
    "tests/docs/test_words.py": "the list itself",
    "docs/tree.md": "it repeats lines of the modules, which are read themselves",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern that must not be found, and what to write."""

    word: str
    pattern: re.Pattern[str]
    instead: str


def _rules(words: dict[str, str], flags: re.RegexFlag) -> list[Rule]:
    return [
        Rule(word, re.compile(rf"(?<![A-Za-z])(?:{_spaced(word)})(?![A-Za-z])", flags), instead)
        for word, instead in words.items()
    ]


def _spaced(words: str) -> str:
    """Words may be parted by a line end, and by what begins a line of a comment."""
    return words.replace(" ", r"(?:_|\s+(?:#:? |// )?)")


OF_PROSE = _rules(PROSE, re.IGNORECASE)
RULES = [*OF_PROSE, *_rules(NAMES, re.NOFLAG)]
OF_SIMULATION = _rules(ELSEWHERE, re.IGNORECASE)


def files() -> Iterator[tuple[str, str]]:
    """Our texts, by their names."""
    paths = [path for top in TOPS for path in (ROOT / top).rglob("*") if path.suffix in SUFFIXES]
    for path in sorted([*paths, *(ROOT / name for name in PAGES)]):
        name = path.relative_to(ROOT).as_posix()
        if name not in ALLOWED and not name.startswith(GIVEN):
            yield name, path.read_text("utf-8")


TEXTS = dict(files())


def found(rule: Rule, texts: dict[str, str]) -> list[str]:
    """Where a rule is broken, as file, line and word."""
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {' '.join(match[0].split())}"
        for name, text in texts.items()
        for match in rule.pattern.finditer(text)
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.word)
def test_a_retired_word_is_not_used(rule: Rule) -> None:
    """No text of ours has the word."""
    assert [] == found(rule, TEXTS), f"write: {rule.instead}"


def test_no_name_has_a_retired_word() -> None:
    """No file has such a word in its name, and no class among the words of its name."""
    classes = {name for text in TEXTS.values() for name in re.findall(r"\b_?(?:[A-Z][a-z]+){2,}\b", text)}
    names = {name: re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name) for name in {*TEXTS, *classes}}

    assert [] == [place for rule in OF_PROSE for place in found(rule, names)]


@pytest.mark.parametrize("rule", OF_SIMULATION, ids=lambda rule: rule.word)
def test_the_simulation_uses_the_terms_of_testing(rule: Rule) -> None:
    """The simulation, and its pages, have mutants, an oracle and hostile peers."""
    texts = {name: text for name, text in TEXTS.items() if name.startswith(SIMULATION)}

    assert texts
    assert [] == found(rule, texts), f"write: {rule.instead}"


def test_the_patterns_find_words() -> None:
    """A word is found in prose, in names and over a line end; parts of other words are not."""
    text = "After so\n    # many messages, so_many\nsolicited, remind, gravel, Whoever it is"
    broken = [line for rule in RULES for line in found(rule, {"x.py": text})]

    assert ["x.py:1: so # many", "x.py:2: so_many", "x.py:3: Whoever"] == broken


def test_only_our_words_are_judged() -> None:
    """An exception is a file that is there."""
    assert [] == [name for name in ALLOWED if not (ROOT / name).is_file()]
