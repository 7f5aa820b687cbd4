"""The flags of the server: one row each (configuration-file.md, section 5).

To add a flag, add a row to `BLOCKS`; parsing, the help text and the completion scripts
follow from it.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from enum import Enum
from typing import get_args

from ..domain.value_object import value_object
from .addresses import without_password
from .flag_syntax import (
    Reader,
    UsageError,
    Value,
    boolean,
    file_name,
    integer,
    one_of,
    scan,
    spelt,
    stray_word,
    string,
    switch_value,
)
from .options import CompatibleWith, LogFormat


class Request(Enum):
    """What a command line may ask for instead of a server."""

    VERSION = "version"
    HELP = "help"
    TLS_HELP = "help_tls"
    COMPLETION = "completion"
    CHECK = "check"
    SIGNAL = "signal"


@value_object
class Flag:
    """One row of the table."""

    spelling: str
    """The left column of the help text; the names are read off it."""
    read: Reader
    text: str
    """The right column; ``{port}`` is the default of the option ``port``."""
    sets: tuple[str, ...] = ()
    """What gets the value: paths of options, or what `app.config.load` makes of it."""
    asks: Request | None = None
    also: tuple[str, ...] = ()
    """Names that work but are not listed."""
    choices: tuple[str, ...] = ()
    """All possible values, if they are few."""

    @property
    def listed(self) -> tuple[str, ...]:
        """Names in the help text."""
        return tuple(re.findall(r"(?:^|[\s,])--?(\w[\w-]*)", self.spelling))

    @property
    def names(self) -> tuple[str, ...]:
        """All names that work."""
        return (*self.listed, *self.also)


@value_object
class CommandLine:
    """What a command line says."""

    given: Mapping[str, Value] = field(default_factory=dict, repr=False)
    """Values that are given explicitly, by the names in `Flag.sets`."""
    asks: Request | None = None
    """What to do in place of serving."""
    notices: tuple[str, ...] = field(default=(), compare=False)
    """Probable slips."""


SHELLS = ("bash", "zsh", "fish")

CONFIG_FILE = "config file"
"""Names what ``--config`` gives: where more options are."""

SIGNAL = "signal"
"""Names what ``--signal`` gives."""

SHELL = "shell"
"""Names what ``--completion`` gives."""

BLOCKS = {
    "Server": (
        Flag("-a, --addr HOST", string, "Listen on HOST (default: {host})", ("host",), also=("net",)),
        Flag("-p, --port PORT", integer, "Listen on PORT; -1 picks a free port (default: {port})", ("port",)),
        Flag(
            "    --unix_socket PATH", file_name, "Listen on the unix socket PATH, too", ("unix_socket.path",)
        ),
        Flag("-c, --config FILE", file_name, "Read options from FILE; flags override it", (CONFIG_FILE,)),
        Flag("-t, --check", boolean, "Check the options and their files, and exit", asks=Request.CHECK),
        Flag("-P, --pid FILE", string, "Write the process ID to FILE", ("pid_file",)),
        Flag(
            "    --ports_file_dir DIRECTORY",
            string,
            "Write the addresses to a file in DIRECTORY",
            ("ports_file_dir",),
        ),
        Flag(
            "-sl, --signal SIGNAL[=PID]",
            string,
            "Send a server reload, reopen, ldm, quit, term or stop",
            (SIGNAL,),
            asks=Request.SIGNAL,
        ),
        Flag(
            "-n, --server_name NAME",
            string,
            "Server name, for clients, monitoring and other servers",
            ("server_name",),
            also=("name",),
        ),
        Flag(
            "    --client_advertise ADDRESS", string, "Address to advertise to clients", ("client_advertise",)
        ),
        Flag(
            "    --compatibility VERSION",
            one_of(*get_args(CompatibleWith)),
            "Protocol for clients, current or 0.8.0 (default: {compatibility})",
            ("compatibility",),
            choices=get_args(CompatibleWith),
        ),
    ),
    "JetStream": (
        Flag("-js, --jetstream", boolean, "Enable JetStream (default: false)", ("jetstream",)),
        Flag("-sd, --store_dir DIRECTORY", string, "Directory for the files of streams", ("store_dir",)),
    ),
    "Monitoring": (
        Flag("-m, --http_port PORT", integer, "Serve monitoring over HTTP on PORT", ("http_port",)),
        Flag(
            "-ms, --https_port PORT",
            integer,
            "Serve monitoring over HTTPS on PORT; requires TLS",
            ("https_port",),
        ),
    ),
    "Log": (
        Flag("-l, --log FILE", string, "Append the log to FILE (default: standard error)", ("log_file",)),
        Flag("-s, --syslog", boolean, "Log to the local syslog daemon", ("syslog",)),
        Flag(
            "-r, --remote_syslog URL",
            string,
            "Log to a syslog daemon, for example udp://localhost:514",
            ("remote_syslog",),
        ),
        Flag("-T, --logtime", boolean, "Begin log lines with the time (default: {logtime})", ("logtime",)),
        Flag("-D, --debug", boolean, "Log debug lines, about each connection", ("debug",)),
        Flag("-V, --trace", boolean, "Log every protocol line; slow", ("trace",)),
        Flag("-DV", boolean, "Same as -D -V", ("debug", "trace")),
        Flag(
            "    --log_format FORMAT",
            one_of(*get_args(LogFormat)),
            "Format of log lines, text or json (default: {log_format})",
            ("log_format",),
            choices=get_args(LogFormat),
        ),
    ),
    "Login": (
        Flag("    --user NAME", string, "User name required of clients", ("authorization.user",)),
        Flag("    --pass PASSWORD", string, "Password of that user", ("authorization.password",)),
        Flag("    --auth TOKEN", string, "Token required of clients", ("authorization.token",)),
    ),
    "TLS": (
        Flag("    --tls", boolean, "Encrypt client connections (default: false)", ("tls",)),
        Flag("    --tlscert FILE", string, "Server certificate, a PEM file", ("tls.cert_file",)),
        Flag("    --tlskey FILE", string, "Private key of that certificate, a PEM file", ("tls.key_file",)),
        Flag("    --tlsverify", boolean, "Same as --tls, and require client certificates", ("tls.verify",)),
        Flag("    --tlscacert FILE", string, "CA certificates to trust, a PEM file", ("tls.ca_file",)),
    ),
    "Cluster": (
        Flag("    --cluster_name NAME", string, "Name of the cluster, shown to clients", ("cluster.name",)),
        Flag(
            "    --cluster URL",
            string,
            "Listen for other servers, for example nats://0.0.0.0:6222",
            ("cluster.listen",),
            also=("cluster_listen",),
        ),
        Flag(
            "    --routes URL,...", string, "Servers to connect to; requires --cluster", ("cluster.routes",)
        ),
        Flag(
            "    --no_advertise",
            boolean,
            "Do not advertise servers to clients (default: false)",
            ("cluster.no_advertise",),
        ),
        Flag(
            "    --cluster_advertise ADDRESS",
            string,
            "Address to advertise to other servers",
            ("cluster.cluster_advertise",),
        ),
        Flag(
            "    --connect_retries NUMBER",
            integer,
            "Maximum number of attempts to reach a discovered server",
            ("cluster.connect_retries",),
        ),
    ),
    "Help": (
        Flag("-h, --help", boolean, "Print this help", asks=Request.HELP),
        Flag("-v, --version", boolean, "Print the versions and the data plane", asks=Request.VERSION),
        Flag("    --help_tls", boolean, "Print a TLS example and all cipher suites", asks=Request.TLS_HELP),
        Flag(
            "    --completion SHELL",
            one_of(*SHELLS),
            "Print the completion script for bash, zsh or fish",
            (SHELL,),
            asks=Request.COMPLETION,
            choices=SHELLS,
        ),
    ),
}

_UNLISTED = (Flag("    --profile PORT", integer, "No effect", ("prof_port",)),)

_FLAGS = {name: flag for block in (*BLOCKS.values(), _UNLISTED) for flag in block for name in flag.names}
_READERS = {name: flag.read for name, flag in _FLAGS.items()}
_REQUESTS = {request.value: request for request in (Request.VERSION, Request.HELP)}
_FIRST_SERVED = (Request.VERSION, Request.TLS_HELP, Request.COMPLETION, Request.SIGNAL)
_CREDENTIALS = {
    "authorization.user",
    "authorization.password",
    "authorization.token",
    "cluster.listen",
    "cluster.routes",
}
"""What may hold a secret, so that a stray word after it may be one as well."""
_ADVICE = "give a file with -c"


def flag_name(option: str) -> str:
    """The flag that sets an option, with its dashes; empty if there is none."""
    flags = (flag for flag in _FLAGS.values() if flag.sets == (option,))
    return next((spelt(max(flag.listed, key=len)) for flag in flags), "")


def parse(words: Sequence[str]) -> CommandLine:
    """What the command line gives explicitly, and what it asks for.

    `words` exclude the program's name. The last of several values for one option
    counts. Help is given at once, whatever follows it; anything else only when all is
    understood. Raises `UsageError`, also for a word that belongs to no flag.
    """
    left = deque(words)
    given: dict[str, Value] = {}
    asked: dict[Request, bool] = {}
    alone: dict[tuple[str, ...], Value] = {}
    notices: dict[str, None] = {}
    last = ""
    for last, value in scan(left, _READERS):
        flag = _FLAGS[last]
        if flag.asks is Request.HELP and value:
            return CommandLine(asks=Request.HELP)
        if flag.asks is not None:
            asked[flag.asks] = bool(value)
        notices.update(dict.fromkeys(_slips(last, value, words, alone)))
        alone[flag.sets] = value
        given.update(dict.fromkeys(flag.sets, value))
    wanted = [request for request in _FIRST_SERVED if asked.get(request)]
    wanted += _requested(left, last)
    wanted += [Request.CHECK] if asked.get(Request.CHECK) else []
    return CommandLine(given, wanted[0] if wanted else None, tuple(notices))


def _requested(left: Sequence[str], last: str) -> list[Request]:
    """The requests that are words without a dash. Raises `UsageError` for any other word."""
    for position, word in enumerate(left):
        if word.lower() not in _REQUESTS:
            raise _stray(word, "" if position else last)
    return [_REQUESTS[word.lower()] for word in left]


def _stray(word: str, last: str) -> UsageError:
    """The error for a word that belongs to no flag; `last` is the flag before it, empty for none."""
    if last and _CREDENTIALS & set(_FLAGS[last].sets):
        advice = f"it follows {spelt(last)} and may be a secret; quote a value that has spaces"
        return stray_word(word, advice, secret=True)
    return stray_word(without_password(word), switch_value(word, last, _READERS) or _ADVICE)


def _slips(
    name: str, value: Value, words: Sequence[str], before: Mapping[tuple[str, ...], Value]
) -> Iterator[str]:
    """Notices of probable slips; `before` has values by what they set.

    Raises `UsageError` where a whole file would be dropped.
    """
    sets = _FLAGS[name].sets
    if before.get(sets, value) != value:
        if sets == (CONFIG_FILE,):
            raise UsageError(f"{spelt(name)} is given twice: only one file is read, which may include others")
        yield f"{spelt(name)} is given twice; the last one counts"
    if isinstance(value, str) and value.startswith("-") and value.lstrip("-") in _FLAGS:
        flag = spelt(name)
        if not any(word in (f"-{name}={value}", f"--{name}={value}") for word in words):
            yield f"{flag} has taken the next flag as its value; write {flag}=… if that is intended"
