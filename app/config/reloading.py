"""What a reload changes: from the options that are in force and new ones to a list of changes (ADR 0052).

Nothing is opened here. A key that is not in `RELOADABLE` takes a restart: a plan with refusals
changes nothing at all.
"""

import hashlib
import json
from collections.abc import Iterator

from pydantic.fields import FieldInfo

from ..domain.cluster.route_url import RouteUrl
from ..domain.leaf.leaf_url import LeafUrl
from ..domain.value_object import value_object
from .options import Options
from .sections.section import Section, inner_section

RELOADABLE = frozenset(
    {
        "client_advertise",
        "authorization.*",
        "no_auth_user",
        "tls.*",
        "allow_non_tls",
        "cluster.authorization.*",
        "cluster.tls.*",
        "cluster.routes",
        "cluster.no_advertise",
        "cluster.cluster_advertise",
        "cluster.connect_retries",
        "leafnodes.remotes",
        "leafnodes.authorization.user",
        "leafnodes.authorization.password",
        "leafnodes.authorization.nkey",
        "leafnodes.authorization.users",
        "leafnodes.tls.*",
        "leafnodes.advertise",
        "leafnodes.no_advertise",
        "leafnodes.min_version",
        "websocket.tls.*",
        "websocket.compression",
        "websocket.same_origin",
        "websocket.allowed_origins",
        "websocket.handshake_timeout",
        "websocket.advertise",
        "websocket.no_auth_user",
        "debug",
        "trace",
        "logtime",
        "logtime_utc",
        "log_file",
        "log_format",
        "syslog",
        "remote_syslog",
        "pid_file",
        "max_connections",
        "max_control_line",
        "max_subscriptions",
        "max_payload",
        "max_pending_size",
        "slow_consumer",
        "ping_interval",
        "ping_max",
        "write_deadline",
        "hooks.*",
        "jetstream.max_mem",
        "jetstream.max_file",
        "jetstream.sync_interval",
        "jetstream.request_queue_limit",
        "jetstream.limits.*",
        "lame_duck_duration",
        "lame_duck_grace_period",
    }
)
"""Options by path; a star is all of a section, and the section itself where it may be left out.

Remotes take a restart nevertheless where a server has started without leaf nodes: see `plan_reload`.
"""


@value_object
class Change:
    """A key with another value."""

    key: str
    """Its path, dotted."""
    old: str
    new: str
    """As text, without secrets; empty where there is nothing to show."""

    @property
    def text(self) -> str:
        """What the log says, in the form of nats-server 2.15."""
        name = self.key.replace(".", " ")
        return f"{name} = {self.new}" if self.new else name

    @property
    def refusal(self) -> str:
        """Why a reload is refused, in the words of nats-server 2.15."""
        values = f": old={self.old}, new={self.new}" if self.old or self.new else ""
        return f"config reload not supported for {self.key}{values}; restart the server to change it"


@value_object
class ReloadPlan:
    """What is other in the new options."""

    changes: tuple[Change, ...]
    refused: tuple[Change, ...]
    """Those among them that take a restart."""


def plan_reload(old: Options, new: Options, *, has_leaves: bool = True) -> ReloadPlan:
    """The difference, in the order of the options page.

    `has_leaves`: the server has started with leaf nodes, or as one, so it can dial others.
    """
    changes = tuple(_changes(old, new, ""))
    fixed = () if has_leaves else ("leafnodes.remotes",)
    refused = (each for each in changes if not is_reloadable(each.key) or each.key in fixed)
    return ReloadPlan(changes, tuple(refused))


def is_reloadable(key: str) -> bool:
    """Whether the option of this path, or a whole section, can change while the server runs."""
    parts = key.split(".")
    sections = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
    return key in RELOADABLE or any(f"{section}.*" in RELOADABLE for section in sections)


def config_digest(options: Options) -> str:
    """A digest of all options but the secrets among them, which could be guessed from it."""
    text = json.dumps(_plain(options), sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _changes(old: Section, new: Section, path: str) -> Iterator[Change]:
    for name, field in type(new).model_fields.items():
        key = f"{path}.{name}" if path else name
        before, after = getattr(old, name), getattr(new, name)
        if isinstance(before, Section) and isinstance(after, Section):
            yield from _changes(before, after, key)
        elif _comparable(before) != _comparable(after):
            yield Change(key, _shown(before, field), _shown(after, field))


def _comparable(value: object) -> object:
    """The same, with the credentials of routes and hubs, which count here."""
    if isinstance(value, tuple):
        return [_comparable(each) for each in value]
    if isinstance(value, Section):
        return {name: _comparable(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, LeafUrl):
        return value, value.tls, value.user, value.password, value.token
    return (value, value.user, value.password) if isinstance(value, RouteUrl) else value


def _shown(value: object, field: FieldInfo) -> str:
    """A value as text; empty for what may be secret, or is long."""
    if field.repr is False or isinstance(value, tuple):
        return ""
    if inner_section(field) is not None:
        return "enabled" if value is not None else "disabled"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}s"
    return "none" if value in (None, "") else str(value)


def _plain(value: object) -> object:
    if isinstance(value, Section):
        fields = type(value).model_fields
        return {
            name: bool(getattr(value, name)) if field.repr is False else _plain(getattr(value, name))
            for name, field in fields.items()
        }
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)
