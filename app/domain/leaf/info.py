"""The INFO of a hub (leaf-nodes.md, section 2)."""

import json

from ..permissions.rules import Entry, Rule, entry
from ..protocol.connect import members_of
from ..protocol.errors import ParserError
from ..value_object import value_object

MOST_URLS = 64
"""Addresses that are taken from one hub."""

MOST_ENTRIES = 1024
"""Entries of a list of permissions that a hub may send."""

_LONGEST_NAME = 256

_TEXTS = frozenset({"server_id", "server_name", "version", "host", "nonce", "cluster", "remote_account"})
_NUMBERS = frozenset({"proto", "port", "max_payload", "client_id"})
_FLAGS = frozenset(
    {"headers", "auth_required", "tls_required", "tls_verify", "info_on_connect", "connect_info", "ldm"}
)


@value_object
class LeafInfo:
    """What a hub says of itself; `imports` and `exports` are seen from the leaf node."""

    server_id: str = ""
    server_name: str = ""
    version: str = ""
    proto: int = 1
    host: str = ""
    port: int = 0
    headers: bool = False
    auth_required: bool = False
    tls_required: bool = False
    tls_verify: bool = False
    max_payload: int = 0
    client_id: int = 0
    """Number of the link; leaf nodes insist on one."""
    nonce: str = ""
    cluster: str = ""
    leafnode_urls: tuple[str, ...] = ()
    """Where leaf nodes may dial the hub and its cluster; they insist on the key."""
    info_on_connect: bool = False
    """Whether a second INFO answers CONNECT."""
    connect_info: bool = False
    """Whether this is the one."""
    remote_account: str = ""
    imports: Rule | None = None
    """What the leaf node may receive; None for everything."""
    exports: Rule | None = None
    """What it may send."""
    jetstream: bool = False
    domain: str = ""
    ldm: bool = False

    @property
    def is_for_leaves(self) -> bool:
        """Whether it comes from a port for leaf nodes; see `client_id` and `leafnode_urls`."""
        return self.client_id != 0 and bool(self.leafnode_urls)

    def line(self) -> bytes:
        """The INFO line; what has no value is left out."""
        fields: dict[str, object] = {
            "server_id": self.server_id,
            "server_name": self.server_name,
            "version": self.version,
            "proto": self.proto,
            "host": self.host,
            "port": self.port,
            "headers": self.headers,
            "auth_required": self.auth_required,
            "tls_required": self.tls_required,
            "tls_verify": self.tls_verify,
            "max_payload": self.max_payload,
            "client_id": self.client_id,
            "nonce": self.nonce,
            "cluster": self.cluster,
            "jetstream": self.jetstream,
            "domain": self.domain,
            "import": _listed(self.imports),
            "export": _listed(self.exports),
            "info_on_connect": self.info_on_connect,
            "connect_info": self.connect_info,
            "remote_account": self.remote_account,
            "leafnode_urls": self.leafnode_urls,
            "ldm": self.ldm,
        }
        given = {key: value for key, value in fields.items() if value}
        return b"INFO %b \r\n" % json.dumps(given, separators=(",", ":")).encode()


def _listed(rule: Rule | None) -> dict[str, list[str]]:
    if rule is None:
        return {}
    lists = {
        name: [each.subject.decode("utf-8", "replace") for each in entries]
        for name, entries in (("allow", rule.allow), ("deny", rule.deny))
    }
    return {name: subjects for name, subjects in lists.items() if subjects}


def read_leaf_info(argument: bytes) -> LeafInfo:
    """The INFO of a hub; what it says beyond our needs is left out.

    Raises `ParserError` for anything but a JSON object, a value of the wrong type, or a subject that
    none can have.
    """
    fields = dict(members_of(argument, "INFO"))
    texts = {name: _text(fields, name) for name in _TEXTS}
    numbers = {name: _number(fields, name) for name in _NUMBERS}
    flags = {name: _flag(fields, name) for name in _FLAGS}
    return LeafInfo(
        server_id=texts["server_id"],
        server_name=texts["server_name"],
        version=texts["version"],
        host=texts["host"],
        nonce=texts["nonce"],
        cluster=texts["cluster"],
        remote_account=texts["remote_account"],
        proto=numbers["proto"],
        port=numbers["port"],
        max_payload=numbers["max_payload"],
        client_id=numbers["client_id"],
        headers=flags["headers"],
        auth_required=flags["auth_required"],
        tls_required=flags["tls_required"],
        tls_verify=flags["tls_verify"],
        info_on_connect=flags["info_on_connect"],
        connect_info=flags["connect_info"],
        ldm=flags["ldm"],
        leafnode_urls=_texts(fields.get("leafnode_urls"), "leafnode_urls")[:MOST_URLS],
        imports=_rule(fields.get("import"), "import"),
        exports=_rule(fields.get("export"), "export"),
    )


def _wrong(name: str) -> ParserError:
    return ParserError(f"INFO field {name} has the wrong type")


def _text(fields: dict[str, object], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise _wrong(name)
    return value if value.isprintable() and len(value) <= _LONGEST_NAME else ""


def _number(fields: dict[str, object], name: str) -> int:
    value = fields.get(name, 0)
    if type(value) is not int:
        raise _wrong(name)
    return value


def _flag(fields: dict[str, object], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise _wrong(name)
    return value


def _texts(value: object, name: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _wrong(name)
    return tuple(each for each in value if len(each) <= _LONGEST_NAME)


def _rule(value: object, name: str) -> Rule | None:
    """The members of an object are a tuple of pairs; see `commands.members_of`."""
    if value is None:
        return None
    if not isinstance(value, tuple):
        raise _wrong(name)
    lists = {key: _entries(listed, name) for key, listed in value if key in ("allow", "deny")}
    return Rule(lists.get("allow", ()), lists.get("deny", ()))


def _entries(value: object, name: str) -> tuple[Entry, ...]:
    subjects = _texts(value, name)
    if len(subjects) > MOST_ENTRIES:
        raise ParserError(f"INFO field {name} has more than {MOST_ENTRIES} subjects")
    try:
        return tuple(entry(subject) for subject in subjects)
    except ValueError as error:
        raise ParserError(f"INFO field {name}: {error}") from error
