"""Options that another one switches off: what was given, asks for something, and has no effect."""

from collections.abc import Iterator

from app.config.draft import Draft, Path
from app.config.errors import Problem
from app.config.given import Given
from app.config.options import Options

_OF_CLUSTERS: tuple[tuple[str, ...], ...] = (
    ("authorization", "user"),
    ("tls",),
    ("no_advertise",),
    ("cluster_advertise",),
    ("connect_retries",),
)

_OF_CERTIFICATES = ("tls.cert_file", "tls.key_file", "tls.ca_file")

_NO_CLUSTER = "without a cluster, which takes --cluster or a port in the section cluster"
_NOBODY_ASKED = "while nobody is asked to log in: set users, a token or an authenticator"


def idle(options: Options, given: Given, file: Draft) -> list[Problem]:
    """A line for each; `file` is what the file gives by itself."""
    return [
        *_of_logins(options, given),
        *_of_clusters(options, given),
        *_of_logs(options, given),
        *_of_tls(options, given),
        *_replaced(given, file),
        *(Problem(text) for name, text in Options.idle.items() if given.flags.get(name)),
    ]


def _of_logins(options: Options, given: Given) -> Iterator[Problem]:
    asked = options.authorization
    if asked.token and (asked.user or asked.users):
        place = given.place("authorization", "token")
        yield Problem("the token has no effect beside a user", place)
    for section, path in (
        (options.authorization, ("authorization",)),
        (options.cluster.authorization, ("cluster", "authorization")),
    ):
        if section.password and not section.user:
            of = " of servers" if len(path) > 1 else ""
            place = given.place(*path, "password")
            yield Problem(f"the password{of} has no effect without a user", place)
    if not asked.authenticator:
        yield from _without(given, "without an authenticator", "authorization", "authenticator_timeout")
        if not (asked.user or asked.users or asked.token):
            yield from _without(given, _NOBODY_ASKED, "authorization", "timeout")
            yield from _empty(given)


def _empty(given: Given) -> Iterator[Problem]:
    """Logins that are given without a value, as by a variable that is empty: they ask nobody."""
    for option in ("user", "token"):
        path = ("authorization", option)
        if given.used.get(*path) == "" or given.flags.get(".".join(path)) == "":
            yield Problem(f"{given.name(*path)} is empty: nobody is asked to log in", given.place(*path))


def _of_clusters(options: Options, given: Given) -> Iterator[Problem]:
    if options.cluster.port:
        return
    if options.cluster.routes:
        place = given.place("cluster", "routes")
        yield Problem("routes have no effect in a cluster without a port", place)
    for path in _OF_CLUSTERS:
        yield from _without(given, _NO_CLUSTER, "cluster", *path)
    if given.used.get("cluster", "port") is None:
        yield from _without(given, _NO_CLUSTER, "cluster", "host")
    if given.flags.get("cluster.listen"):
        yield Problem("--cluster has no effect with port 0; write nats://host:port")


def _of_logs(options: Options, given: Given) -> Iterator[Problem]:
    if options.log_file:
        beside = f"beside {given.name('log_file')}, where the log goes"
        for name in ("syslog", "remote_syslog"):
            yield from _without(given, beside, name)
    elif options.remote_syslog:
        beside = f"beside {given.name('remote_syslog')}, where the log goes"
        yield from _without(given, beside, "syslog")


def _of_tls(options: Options, given: Given) -> Iterator[Problem]:
    if given.flags.get("tls") is False and options.tls is not None and given.flags.get("tls.verify"):
        yield Problem("--tls=false has no effect beside --tlsverify, which switches TLS on")
    if options.tls is None:
        reason = "beside --tls=false" if given.flags.get("tls") is False else "without --tls"
        for name in _OF_CERTIFICATES:
            if given.flags.get(name):
                yield Problem(f"{given.name(*name.split('.'))} has no effect {reason}: nothing is encrypted")


def _replaced(given: Given, file: Draft) -> Iterator[Problem]:
    """Logins of the file that a flag has taken the place of, apart from its own option."""
    flag = next((f"--{word}" for word in ("user", "auth") if given.flags.get(_LOGINS[word])), "")
    for name in ("user", "users", "authenticator"):
        path: Path = ("authorization", name)
        if file.get("authorization", name) and not given.asks("authorization", name):
            yield Problem(f"authorization.{name} has no effect beside {flag}", file.place(path))


_LOGINS = {"user": "authorization.user", "auth": "authorization.token"}


def _without(given: Given, reason: str, *path: str) -> Iterator[Problem]:
    """That an option has no effect, if it asks for something."""
    if given.asks(*path):
        yield Problem(f"{given.name(*path)} has no effect {reason}", given.place(*path))
