"""The options of a server: its configuration file, and above it the flags.

A flag that is given overrides the file, whatever its value; one that is not given never
does (configuration-file.md, section 6). gnatsd ignores some flags beside a file, and some
values; we do not.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field

from ..domain.value_object import value_object
from .addresses import AddressError, parse_cluster
from .document import Block, BrokenDocument, Remainder
from .errors import ConfigError, Problem
from .file.sources import Unreadable, open_source
from .flag_syntax import Value
from .flags import CONFIG_FILE, SHELL, SIGNAL
from .given import Given
from .keys import Resolved, resolve
from .options import Options
from .rules import contradictions, without_effect
from .validation import salvage, validate

ReadFile = Callable[[str, Mapping[str, str]], Block]
"""Reads a file, with the environment for its variables. Raises `ConfigError`."""

_NO_CLUSTER = "Solicited routes require cluster capabilities, e.g. --cluster."

_NO_OPTIONS = (
    CONFIG_FILE,
    SHELL,
    SIGNAL,
    "tls",
    "jetstream",
    "cluster.listen",
    "cluster.routes",
    *Options.idle,
)
"""What flags give that is no option, or needs more than to be put in its place."""


@value_object
class Loaded:
    """A configuration that can be used."""

    options: Options
    notices: tuple[Problem, ...]
    """What was given and has no effect; a log line each."""


@value_object
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


def read_file(path: str, environment: Mapping[str, str]) -> Block:
    """The file, with all that it includes; variables may come from `environment`.

    Raises `ConfigError` with all that is wrong.
    """
    try:
        source = open_source(path)
    except Unreadable as error:
        raise ConfigError([Problem(f"error opening config file: {error}")]) from error
    from .file.reading import DocumentReader  # noqa: PLC0415 - a server without a file starts without lark

    return DocumentReader(environment).read(source)


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
    file, broken, remainder = _resolve_file(path, environment, read) if path else (Resolved(), (), None)
    whole = remainder is None
    wrong = [*file.problems, *validate(Options, file.values, whole=whole)[1]]
    for values in file.superseded:
        wrong += validate(Options, values, whole=False)[1]
    intended, of_flags = put_flags(given, file.values)
    wrong += [*of_flags, *validate(Options, intended, whole=whole)[1]]
    options, used = salvage(Options, intended)
    known = Given(used, intended, file.values, given, whole=whole, unclear=file.unclear)
    if options is not None:
        wrong += contradictions(options, known)
    unread = remainder.unread if remainder else ()
    problems = [*broken, *(problem for problem in wrong if problem.place not in unread)]
    useless = without_effect(options, known) if options is not None and not problems else []
    return Examined(options, known, in_order(problems), in_order((*file.notices, *useless)))


def _resolve_file(
    path: str, environment: Mapping[str, str], read: ReadFile
) -> tuple[Resolved, tuple[Problem, ...], Remainder | None]:
    """What a file says, what is wrong with its text, and what is left of it if something is."""
    try:
        return resolve(read(path, environment), Options), (), None
    except BrokenDocument as error:
        rest = error.remainder
        return resolve(rest.block, Options, rest.variables), error.problems, rest
    except ConfigError as error:
        return Resolved(), error.problems, Remainder()


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each once, by place, those of flags last."""
    distinct = dict.fromkeys(problems)
    return tuple(
        sorted(distinct, key=lambda problem: (problem.place is None, problem.place or (), problem.text))
    )


def put_flags(given: Mapping[str, Value], file: Block) -> tuple[Block, list[Problem]]:
    """What flags give, by the names in `Flag.sets`, put above `file`; and what is wrong with the flags."""
    values = _switch_jetstream(given, _switch_tls(given, _drop_logins(given, file)))
    for name, value in given.items():
        useless = name.startswith("tls.") and values.get("tls") is None
        if name not in _NO_OPTIONS and not useless:
            values = values.put(value, *name.split("."))
    return _put_cluster(given, values)


def _drop_logins(given: Mapping[str, Value], values: Block) -> Block:
    """Drop the logins of the file where a flag sets another one."""
    user, token = given.get("authorization.user"), given.get("authorization.token")
    names = ["authenticator", "users"] if user or token else []
    names += ["user", "password"] if token and not user else []
    for name in names:
        values = values.drop("authorization", name)
    return values


def _switch_tls(given: Mapping[str, Value], values: Block) -> Block:
    if given.get("tls") or given.get("tls.verify"):
        return values if values.get("tls") is not None else values.put({}, "tls")
    return values.drop("tls") if given.get("tls") is False else values


def _switch_jetstream(given: Mapping[str, Value], values: Block) -> Block:
    """A section of the file keeps what it says, but for what the flags say."""
    wanted = given.get("jetstream")
    if wanted is False:
        return values.drop("jetstream")
    if wanted:
        in_file = isinstance(values.get("jetstream"), dict)
        values = values.put(True, "jetstream", "enabled") if in_file else values.put({}, "jetstream")  # noqa: FBT003 - a value
    return values.drop("jetstream", "store_dir") if given.get("store_dir") else values


def _put_cluster(given: Mapping[str, Value], values: Block) -> tuple[Block, list[Problem]]:
    url, routes = given.get("cluster.listen"), given.get("cluster.routes")
    problems = []
    if url is not None:
        try:
            values = _put_cluster_url(str(url), values)
        except AddressError as error:
            problems.append(Problem(str(error)))
    if routes is not None:
        urls = tuple(route.strip() for route in str(routes).split(",") if route.strip())
        values = values.put(urls, "cluster", "routes")
        if urls and not values.get("cluster", "port") and not problems:
            problems.append(Problem(_NO_CLUSTER))
    return values, problems


def _put_cluster_url(text: str, values: Block) -> Block:
    """Raises `AddressError`."""
    if not text:
        return values.drop("cluster", "port")
    url = parse_cluster(text)
    values = values.put(url.host, "cluster", "host").put(url.port, "cluster", "port")
    if not url.user:
        return values
    path = ("cluster", "authorization")
    return values.put(url.user, *path, "user").put(url.password, *path, "password")
