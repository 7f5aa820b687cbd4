"""Rules between the options of leaf nodes and others; see `app.config.rules`."""

from collections.abc import Iterator

from .errors import Problem
from .given import Given, without
from .options import Options
from .sections.tls import TlsOptions

_NO_LISTENER = "without a listener for leaf nodes: set leafnodes.port"
_NO_REMOTE = "without remotes: set leafnodes.remotes"

_OF_LISTENERS = (
    ("authorization", "user"),
    ("authorization", "users"),
    ("authorization", "nkey"),
    ("authorization", "timeout"),
    ("tls",),
    ("advertise",),
    ("no_advertise",),
    ("min_version",),
)


def leaf_tls_section(options: Options) -> tuple[tuple[str, ...], TlsOptions | None]:
    """The certificate of the listener, by the path of its section."""
    return ("leafnodes", "tls"), options.leafnodes.tls


def leaf_contradictions(options: Options, given: Given) -> Iterator[Problem]:
    """A hub knows the members of a mesh by the name of their cluster, and sends nothing round by it."""
    certain = given.is_certain("cluster", "name") and given.is_certain("cluster", "port")
    if options.leafnodes.in_use and options.cluster.port and not options.cluster.name and certain:
        text = "leafnodes.remotes in a cluster need a name for it, the same on all servers: set cluster.name"
        yield Problem(text, given.place("leafnodes", "remotes"))


def idle_leaf_options(options: Options, given: Given) -> Iterator[Problem]:
    """What has no effect, and what weakens a link more than its name says."""
    section = options.leafnodes
    if not section.port:
        for path in _OF_LISTENERS:
            yield from without(given, _NO_LISTENER, "leafnodes", *path)
        if given.used.get("leafnodes", "port") is None:
            yield from without(given, _NO_LISTENER, "leafnodes", "host")
    if not section.remotes:
        for name in ("reconnect", "dial_timeout"):
            yield from without(given, _NO_REMOTE, "leafnodes", name)
    if not section.authorization.user:
        yield from without(given, "without a user", "leafnodes", "authorization", "password")
    if section.no_advertise:
        yield from without(given, "beside leafnodes.no_advertise", "leafnodes", "advertise")
    yield from _maps_to_nobody(options, given)
    yield from _insecure(options, given)


def _maps_to_nobody(options: Options, given: Given) -> Iterator[Problem]:
    """Certificates that name one of several users, where there are none."""
    own, section = options.leafnodes.authorization, options.authorization
    users = own.user or own.users if own.is_set else section.users or section.authenticator
    if options.leafnodes.maps_certificates and not users:
        text = "leafnodes.tls.verify_and_map has the effect of leafnodes.tls.verify without users"
        yield Problem(text, given.place("leafnodes", "tls", "verify_and_map"))


def _insecure(options: Options, given: Given) -> Iterator[Problem]:
    for position, remote in enumerate(options.leafnodes.remotes):
        if remote.tls is not None and remote.tls.insecure:
            text = (
                f"leafnodes.remotes[{position}].tls.insecure: any server can pose as the hub, "
                "and gets the credentials of this one; use it for tests alone"
            )
            yield Problem(text, given.used.place(("leafnodes", "remotes", position)))
