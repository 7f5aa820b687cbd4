"""The flags of the server: one row each (configuration.md, section 5).

To add a flag, add a row to `BLOCKS`; parsing, the help text and the completion of
shells follow from it.
"""

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import get_args

from app.config.go_flags import Reader, Value, boolean, integer, one_of, scan, string
from app.config.options import LogFormat


class Request(Enum):
    """What a command line may ask for instead of a server."""

    VERSION = "version"
    HELP = "help"
    TLS_HELP = "help_tls"
    COMPLETION = "completion"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class Flag:
    """One row of the table."""

    spelling: str
    """The left column of the help text; the names are read off it."""
    read: Reader
    text: str
    """The right column; ``{port}`` stands for the default of the option ``port``."""
    sets: tuple[str, ...] = ()
    """What gets the value: paths of options, or what `app.config.load` makes of it."""
    asks: Request | None = None
    also: tuple[str, ...] = ()
    """Names that work but are not listed."""
    choices: tuple[str, ...] = ()
    """All values there are, if they are few."""

    @property
    def listed(self) -> tuple[str, ...]:
        """Names in the help text."""
        return tuple(re.findall(r"(?:^|[\s,])--?(\w+)", self.spelling))

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.listed, *self.also)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What a command line says."""

    given: Mapping[str, Value] = field(default_factory=dict, repr=False)
    """Values that are given explicitly, by the names in `Flag.sets`."""
    asks: Request | None = None
    """What is wanted in place of a server."""


SHELLS = ("bash", "zsh", "fish")

CONFIG_FILE = "config file"
"""Names what ``--config`` gives: where more options are."""

SHELL = "shell"
"""Names what ``--completion`` gives."""

BLOCKS = {
    "Server Options": (
        Flag("-a, --addr HOST", string, "Bind to HOST address (default: {host})", ("host",), also=("net",)),
        Flag("-p, --port PORT", integer, "Use PORT for clients (default: {port})", ("port",)),
        Flag("-P, --pid FILE", string, "File to store PID", ("pid_file",)),
        Flag("-m, --http_port PORT", integer, "Use HTTP PORT for monitoring", ("http_port",)),
        Flag("-ms,--https_port PORT", integer, "Use HTTPS PORT for monitoring", ("https_port",)),
        Flag("-c, --config FILE", string, "Configuration File", (CONFIG_FILE,)),
        Flag("-t, --check", boolean, "Check the configuration and these flags, and exit", asks=Request.CHECK),
        Flag("-n, --server_name NAME", string, "Name of this server, for people", ("server_name",)),
        Flag(
            "    --client_advertise ADDRESS",
            string,
            "Address by which clients reach this server",
            ("client_advertise",),
        ),
    ),
    "Logging Options": (
        Flag("-l, --log FILE", string, "File to redirect log output", ("log_file",)),
        Flag("-T, --logtime", boolean, "Timestamp log entries (default: {logtime})", ("logtime",)),
        Flag("-s, --syslog", boolean, "Enable syslog as log method.", ("syslog",)),
        Flag("-r, --remote_syslog", string, "Syslog server addr (udp://localhost:514).", ("remote_syslog",)),
        Flag("-D, --debug", boolean, "Enable debugging output", ("debug",)),
        Flag("-V, --trace", boolean, "Trace the raw protocol", ("trace",)),
        Flag("-DV", boolean, "Debug and Trace", ("debug", "trace")),
        Flag(
            "    --log_format FORMAT",
            one_of(*get_args(LogFormat)),
            "Write log entries as text or json (default: {log_format})",
            ("log_format",),
            choices=get_args(LogFormat),
        ),
    ),
    "Authorization Options": (
        Flag("    --user user", string, "User required for connections", ("authorization.user",)),
        Flag("    --pass password", string, "Password required for connections", ("authorization.password",)),
        Flag(
            "    --auth token",
            string,
            "Authorization token required for connections",
            ("authorization.token",),
        ),
    ),
    "TLS Options": (
        Flag("    --tls", boolean, "Enable TLS, do not verify clients (default: false)", ("tls",)),
        Flag("    --tlscert FILE", string, "Server certificate file", ("tls.cert_file",)),
        Flag("    --tlskey FILE", string, "Private key for server certificate", ("tls.key_file",)),
        Flag("    --tlsverify", boolean, "Enable TLS, very client certificates", ("tls.verify",)),
        Flag("    --tlscacert FILE", string, "Client certificate CA for verification", ("tls.ca_file",)),
    ),
    "Cluster Options": (
        Flag("    --routes [rurl-1, rurl-2]", string, "Routes to solicit and connect", ("cluster.routes",)),
        Flag(
            "    --cluster [cluster url]",
            string,
            "Cluster URL for solicited routes",
            ("cluster.listen",),
            also=("cluster_listen",),
        ),
        Flag(
            "    --no_advertise",
            boolean,
            "Tell no addresses of servers to clients",
            ("cluster.no_advertise",),
        ),
        Flag(
            "    --cluster_advertise ADDRESS",
            string,
            "Address by which servers reach this server",
            ("cluster.cluster_advertise",),
        ),
        Flag(
            "    --connect_retries NUMBER",
            integer,
            "Attempts to reach a server that others told of",
            ("cluster.connect_retries",),
        ),
    ),
    "Common Options": (
        Flag("-h, --help", boolean, "Show this message", asks=Request.HELP),
        Flag("-v, --version", boolean, "Show version", asks=Request.VERSION),
        Flag("    --help_tls", boolean, "TLS help", asks=Request.TLS_HELP),
        Flag(
            "    --completion SHELL",
            one_of(*SHELLS),
            "Print what makes bash, zsh or fish complete flags",
            (SHELL,),
            asks=Request.COMPLETION,
            choices=SHELLS,
        ),
    ),
}

_UNLISTED = (Flag("    --profile PORT", integer, "Has no effect", ("prof_port",)),)

_FLAGS = {name: flag for block in (*BLOCKS.values(), _UNLISTED) for flag in block for name in flag.names}
_READERS = {name: flag.read for name, flag in _FLAGS.items()}
_WORDS = {request.value: request for request in (Request.VERSION, Request.HELP)}
_FIRST_SERVED = (Request.VERSION, Request.TLS_HELP, Request.COMPLETION)


def parse(words: Sequence[str]) -> CommandLine:
    """What the command line gives explicitly, and what it asks for.

    `words` exclude the program's name. The last of several values for one option
    counts. Help is granted at once, whatever stands behind it; anything else only when
    all flags are understood. Raises `UsageError`.
    """
    left = deque(words)
    given: dict[str, Value] = {}
    asked: dict[Request, bool] = {}
    for name, value in scan(left, _READERS):
        flag = _FLAGS[name]
        if flag.asks is Request.HELP and value:
            return CommandLine(asks=Request.HELP)
        if flag.asks is not None:
            asked[flag.asks] = bool(value)
        given.update(dict.fromkeys(flag.sets, value))
    wanted = [request for request in _FIRST_SERVED if asked.get(request)]
    wanted += [_WORDS[word.lower()] for word in left if word.lower() in _WORDS]
    wanted += [Request.CHECK] if asked.get(Request.CHECK) else []
    return CommandLine(given, wanted[0] if wanted else None)
