"""The options of a server: its configuration file, and above it the flags."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from app.config.coherence import contradictions
from app.config.document import Block, BrokenDocument, Remainder
from app.config.errors import ConfigError, Problem
from app.config.flags import CONFIG_FILE
from app.config.given import Given
from app.config.go_flags import Value
from app.config.idle import idle
from app.config.meaning import Meaning, understand
from app.config.merging import put_flags
from app.config.options import Options
from app.config.syntax import read_file
from app.config.validation import salvage, validate

ReadFile = Callable[[str, Mapping[str, str]], Block]
"""Reads a file, with the environment for its variables. Raises `ConfigError`."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that can be used."""

    options: Options
    notices: tuple[Problem, ...]
    """What was given and has no effect; worth a line each."""


@dataclass(frozen=True, slots=True)
class Examined:
    """All that can be known of a configuration, whether it can be used or not."""

    options: Options | None
    """What is left of it without its mistakes; None if that cannot be said."""
    given: Given = field(compare=False)
    """What was given for these options, and where."""
    problems: tuple[Problem, ...] = ()
    """What makes it unusable."""
    notices: tuple[Problem, ...] = ()
    """What was given and has no effect."""


def load(given: Mapping[str, Value], environment: Mapping[str, str], read: ReadFile = read_file) -> Loaded:
    """The options that flags give, by the names in `Flag.sets`, with those of the file they name.

    Raises `ConfigError`, with all mistakes of both.
    """
    found = examine(given, environment, read)
    if found.options is None or found.problems:
        raise ConfigError(found.problems)
    return Loaded(found.options, found.notices)


def examine(
    given: Mapping[str, Value], environment: Mapping[str, str], read: ReadFile = read_file
) -> Examined:
    """The same, with what can be known of a configuration that is not valid."""
    path = str(given.get(CONFIG_FILE, ""))
    meaning, broken, remainder = _read(path, environment, read) if path else (Meaning(), [], None)
    whole = remainder is None
    wrong = [*meaning.problems]
    for draft in (meaning.draft, *meaning.superseded):
        wrong += validate(Options, draft, whole=whole and draft is meaning.draft)[1]
    file = meaning.draft.copy()
    wrong += put_flags(given, meaning.draft)
    wrong += validate(Options, meaning.draft, whole=whole)[1]
    intended = meaning.draft.copy()
    options = salvage(Options, meaning.draft)
    known = Given(meaning.draft, intended, given, whole=whole, doubtful=meaning.doubtful)
    if options is not None:
        wrong += contradictions(options, known)
    unread = remainder.unread if remainder else ()
    problems = [*broken, *(problem for problem in wrong if problem.place not in unread)]
    useless = idle(options, known, file) if options is not None and not problems else []
    return Examined(options, known, in_order(problems), in_order((*meaning.notices, *useless)))


def _read(
    path: str, environment: Mapping[str, str], read: ReadFile
) -> tuple[Meaning, list[Problem], Remainder | None]:
    """What a file says, what is wrong with its text, and what is left of it if something is."""
    try:
        return understand(read(path, environment), Options), [], None
    except BrokenDocument as error:
        rest = error.remainder
        return understand(rest.block, Options, rest.variables), list(error.problems), rest
    except ConfigError as error:
        return Meaning(), list(error.problems), Remainder()


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each once, by place, those of flags last."""
    distinct = dict.fromkeys(problems)
    return tuple(
        sorted(distinct, key=lambda problem: (problem.place is None, problem.place or (), problem.text))
    )
