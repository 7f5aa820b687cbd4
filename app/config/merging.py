"""Flags above a file (configuration.md, section 6).

Every flag that is given explicitly counts before the file, whatever its value; one
that is not given never does. gnatsd ignores some flags beside a file, and some
values; we do not.
"""

from collections.abc import Mapping

from app.config.addresses import AddressError, parse_cluster
from app.config.draft import Draft
from app.config.errors import Problem
from app.config.flags import CONFIG_FILE, SHELL
from app.config.go_flags import Value
from app.config.options import Options

_NO_CLUSTER = "Solicited routes require cluster capabilities, e.g. --cluster."

_NO_OPTIONS = (CONFIG_FILE, SHELL, "tls", "cluster.listen", "cluster.routes", *Options.idle)
"""What flags give that is no option, or not as it stands."""


def put_flags(given: Mapping[str, Value], draft: Draft) -> list[Problem]:
    """Put what flags give, by the names in `Flag.sets`, above `draft`; returns what is wrong with it."""
    _make_room(given, draft)
    _switch_tls(given, draft)
    for name, value in given.items():
        useless = name.startswith("tls.") and draft.get("tls") is None
        if name not in _NO_OPTIONS and not useless:
            draft.put(value, *name.split("."))
    return _put_cluster(given, draft)


def _make_room(given: Mapping[str, Value], draft: Draft) -> None:
    """Remove whom the file lets in where a flag names somebody else."""
    user, token = given.get("authorization.user"), given.get("authorization.token")
    if user or token:
        draft.drop("authorization", "authenticator")
        draft.drop("authorization", "users")
    if token and not user:
        draft.drop("authorization", "user")
        draft.drop("authorization", "password")


def _switch_tls(given: Mapping[str, Value], draft: Draft) -> None:
    if _wants_tls(given):
        if draft.get("tls") is None:
            draft.put({}, "tls")
    elif given.get("tls") is False:
        draft.drop("tls")


def _wants_tls(given: Mapping[str, Value]) -> bool:
    return bool(given.get("tls") or given.get("tls.verify"))


def _put_cluster(given: Mapping[str, Value], draft: Draft) -> list[Problem]:
    url, routes = given.get("cluster.listen"), given.get("cluster.routes")
    problems = []
    if url is not None:
        try:
            _put_cluster_url(str(url), draft)
        except AddressError as error:
            problems.append(Problem(str(error)))
    if routes is not None:
        draft.put(
            tuple(route.strip() for route in str(routes).split(",") if route.strip()), "cluster", "routes"
        )
        if draft.get("cluster", "routes") and not draft.get("cluster", "port") and not problems:
            problems.append(Problem(_NO_CLUSTER))
    return problems


def _put_cluster_url(text: str, draft: Draft) -> None:
    """Raises `AddressError`."""
    if not text:
        draft.drop("cluster", "port")
        return
    url = parse_cluster(text)
    draft.put(url.host, "cluster", "host")
    draft.put(url.port, "cluster", "port")
    if url.user:
        draft.put(url.user, "cluster", "authorization", "user")
        draft.put(url.password, "cluster", "authorization", "password")
