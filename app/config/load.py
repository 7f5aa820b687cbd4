"""The options of a server: its configuration file, and above it the flags."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.config.document import Block
from app.config.draft import Draft
from app.config.errors import ConfigError, Problem
from app.config.flags import CONFIG_FILE
from app.config.go_flags import Value
from app.config.meaning import Meaning, understand
from app.config.merging import idle_flags, put_flags
from app.config.options import Options
from app.config.syntax import read_file
from app.config.validation import validate

ReadFile = Callable[[str, Mapping[str, str]], Block]
"""Reads a file, with the environment for its variables. Raises `ConfigError`."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that can be used."""

    options: Options
    notices: tuple[Problem, ...]
    """What was given and has no effect; worth a line each."""


def load(given: Mapping[str, Value], environment: Mapping[str, str], read: ReadFile = read_file) -> Loaded:
    """The options that flags give, by the names in `Flag.sets`, with those of the file they name.

    Raises `ConfigError`, with all mistakes of both.
    """
    path = str(given.get(CONFIG_FILE, ""))
    meaning = understand(read(path, environment), Options) if path else Meaning()
    problems = [*meaning.problems, *put_flags(given, meaning.draft)]
    options, wrong = validate(Options, meaning.draft)
    if options is None or problems:
        raise ConfigError(_in_order((*problems, *wrong)))
    notices = (*meaning.notices, *_idle(options, meaning.draft), *idle_flags(given))
    return Loaded(options, tuple(_in_order(notices)))


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """By place, those of flags last."""
    return sorted(problems, key=lambda problem: (problem.place is None, problem.place or (), problem.text))


def _idle(options: Options, draft: Draft) -> Iterator[Problem]:
    """What has no effect beside what else is there."""
    asked, cluster = options.authorization, options.cluster
    if asked.token and (asked.user or asked.users):
        yield Problem("the token has no effect beside a user", draft.place(("authorization", "token")))
    if asked.password and not asked.user:
        yield Problem("the password has no effect without a user", draft.place(("authorization", "password")))
    if cluster.routes and not cluster.port:
        yield Problem("routes have no effect in a cluster without a port", draft.place(("cluster", "routes")))
