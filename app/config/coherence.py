"""Options that are right one by one, and cannot be had together: each is known before anything starts."""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from app.config.errors import Problem
from app.config.given import Given
from app.config.options import Options
from app.domain.address import is_wildcard
from app.domain.limits import fitting_pending, longest_message

_NO_CERTIFICATE = "TLS Server certificate must be present and valid."
_NO_PRIVATE_KEY = "TLS Server private key must be present and valid."
_NO_TLS = "TLS cert and key required for HTTPS: https_port needs `tls`"

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class _Listener(NamedTuple):
    path: tuple[str, ...]
    host: str
    port: int


def contradictions(options: Options, given: Given) -> list[Problem]:
    """All of them; only what is certain is compared."""
    return [
        *_ports_twice(options, given),
        *_missing_certificates(options, given),
        *_too_little_pending(options, given),
    ]


def _ports_twice(options: Options, given: Given) -> Iterator[Problem]:
    cluster = options.cluster
    listeners = [
        _Listener(("port",), options.host, options.port),
        _Listener(("cluster", "port"), cluster.host, cluster.port),
        _Listener(("http_port",), options.http_host or options.host, options.http_port),
        _Listener(("https_port",), options.https_host or options.host, options.https_port),
    ]
    served = [each for each in listeners if each.port > 0 and given.is_certain(*each.path)]
    for one, other in combinations(served, 2):
        if one.port == other.port and _overlap(one.host, other.host):
            text = (
                f"port {one.port} is wanted twice, by {given.origin(*one.path)} and by "
                f"{given.origin(*other.path)}; give each a port of its own"
            )
            yield Problem(text, given.place(*other.path) or given.place(*one.path))


def _overlap(one: str, other: str) -> bool:
    """Whether both may be the same address."""
    return one == other or is_wildcard(one) or is_wildcard(other) or {one, other} <= _LOCAL


def _missing_certificates(options: Options, given: Given) -> Iterator[Problem]:
    sections = ((("tls",), options.tls), (("cluster", "tls"), options.cluster.tls))
    for path, asked in sections:
        if asked is None:
            continue
        place = given.used.place(path)
        for key, value, text in (
            ("cert_file", asked.cert_file, _NO_CERTIFICATE),
            ("key_file", asked.key_file, _NO_PRIVATE_KEY),
        ):
            if not value and given.is_certain(*path, key):
                # By flags alone the text is gnatsd's, which scripts may look for.
                yield Problem(f"{text} Set {'.'.join((*path, key))}" if place else text, place)
    if options.https_port and options.tls is None and given.is_certain("tls"):
        yield Problem(_NO_TLS, given.place("https_port"))


def _too_little_pending(options: Options, given: Given) -> Iterator[Problem]:
    """Where both are set. One message fits in any case, but what was asked for cannot be meant."""
    paths = ("max_pending_size",), ("max_payload",), ("max_control_line",)
    if not (given.asks("max_pending_size") and given.asks("max_payload")):
        return
    if not all(given.is_certain(*path) for path in paths):
        return
    least = longest_message(options.max_payload, options.max_control_line)
    if options.max_pending_size < options.max_payload:
        text = (
            f"max_pending_size ({options.max_pending_size}) is less than one message of max_payload "
            f"({options.max_payload}) takes: set it to {least} or more, or lower max_payload; they are "
            f"{given.origin('max_pending_size')} and {given.origin('max_payload')}"
        )
        yield Problem(text, given.place("max_pending_size"))


def pending(options: Options) -> int:
    """Bytes that may wait for one receiver: as given, or else such that one message always fits."""
    chosen = options.max_pending_size if "max_pending_size" in options.model_fields_set else None
    return fitting_pending(options.max_payload, chosen, options.max_control_line)
