"""What a reload changes, key by key: the table of the options page, generated from the model."""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from pydantic.fields import FieldInfo

from app.config.help.reference import SECTIONS, reference
from app.config.options import Options, make_options
from app.config.reloading import RELOADABLE, config_digest, is_reloadable, plan_reload
from app.config.sections.section import Section, inner_section
from tests.support.certificates import certificates

TLS = {"cert_file": certificates().server.cert_file, "key_file": certificates().server.key_file}
FULL: dict[str, Any] = {
    "tls": TLS,
    "cluster": {"port": -1, "tls": {**TLS, "ca_file": certificates().authority.ca_file}},
    "websocket": {"port": -1, "tls": TLS},
    "leafnodes": {"port": -1, "tls": TLS},
    "unix_socket": {"path": "/tmp/x.sock"},  # noqa: S108 - nothing is opened
    "jetstream": {"store_dir": "/tmp/x"},  # noqa: S108 - the same
}


def leaves(section: type[Section], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """All options with their paths; sections in arrays count as one option."""
    for name, field in section.model_fields.items():
        key = f"{path}.{name}" if path else name
        inner = inner_section(field)
        if inner is not None and not _is_array(field.annotation):
            yield from leaves(inner, key)
        else:
            yield key, field


def _is_array(kind: Any) -> bool:  # noqa: ANN401 - whatever an annotation may be
    return get_origin(kind) is tuple or any(map(_is_array, get_args(kind)))


LEAVES = dict(leaves(Options))


def value_at(options: Options, key: str) -> object:
    """The value of an option."""
    value: object = options
    for name in key.split("."):
        value = getattr(value, name)
    return value


def changed(options: Options, key: str, value: object) -> Options:
    """The same options, but for one; nothing is validated."""
    sections: list[Section] = [options]
    *path, name = key.split(".")
    for each in path:
        sections.append(getattr(sections[-1], each))
    made = sections.pop().model_copy(update={name: value})
    for each in reversed(path):
        made = sections.pop().model_copy(update={each: made})
    assert isinstance(made, Options)
    return made


def another(value: object) -> object:
    """A value that differs."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return ("another",) if isinstance(value, tuple) else "another"


@pytest.mark.parametrize("key", LEAVES)
def test_each_key(key: str) -> None:
    """A change of one key is one change of the plan; it is refused unless the key is reloadable."""
    old = make_options(FULL)
    new = changed(old, key, another(value_at(old, key)))
    plan = plan_reload(old, new)

    assert [key] == [change.key for change in plan.changes]
    assert bool(plan.refused) is not is_reloadable(key)
    if LEAVES[key].repr is not False and "another" in plan.changes[0].text:
        assert plan.changes[0].text.endswith("= another")


def test_no_secret_is_shown() -> None:
    """The log has a line for a password or a token, and no value; so have refusals."""
    old = make_options({"authorization": {"user": "u", "password": "hush-hush"}})
    new = make_options({"authorization": {"user": "u", "password": "sssh"}})
    (change,) = plan_reload(old, new).changes

    assert "authorization password" == change.text
    assert "hush" not in change.refusal + repr(change)


def test_texts() -> None:
    """Values are written as an operator writes them, and sections that come or go have words."""
    old = make_options({})
    new = make_options({**FULL, "max_payload": 2000, "debug": True, "ping_interval": "2m", "log_file": "x"})
    texts = {change.key: change.text for change in plan_reload(old, new).changes}

    assert "max_payload = 2000" == texts["max_payload"]
    assert "debug = true" == texts["debug"]
    assert "tls = enabled" == texts["tls"]
    assert {"tls = disabled", "log_file = none", "ping_interval = 120s"} <= {
        change.text for change in plan_reload(new, make_options({"ping_interval": 120.0})).changes
    } | {"ping_interval = 120s"}
    (port,) = plan_reload(old, make_options({"port": 5222})).refused
    assert port.refusal == (
        "config reload not supported for port: old=4222, new=5222; restart the server to change it"
    )


def test_credentials_of_routes_count() -> None:
    """Another password in the URL of a route is a change, of which no value is shown."""
    cluster = {"port": -1, "routes": ["nats://a:b@127.0.0.1:1"]}
    old = make_options({"cluster": cluster})
    (change,) = plan_reload(
        old, make_options({"cluster": {**cluster, "routes": ["nats://a:c@127.0.0.1:1"]}})
    ).changes

    assert "cluster routes" == change.text


def test_remotes_of_leaf_nodes() -> None:
    """They follow a reload, also if the password in a URL alone has changed; no value is shown."""
    old, new = (
        make_options({"leafnodes": {"remotes": ({"urls": f"nats-leaf://a:{password}@hub"},)}})
        for password in "bc"
    )
    plan = plan_reload(old, new)
    (change,) = plan.changes

    assert ("leafnodes remotes", ()) == (change.text, plan.refused)


def test_the_first_remote_takes_a_restart() -> None:
    """A server that has started without leaf nodes cannot have some by a reload."""
    new = make_options({"leafnodes": {"remotes": ({"urls": "nats-leaf://hub"},)}})
    (refused,) = plan_reload(make_options({}), new, has_leaves=False).refused

    assert refused.refusal == (
        "config reload not supported for leafnodes.remotes; restart the server to change it"
    )


def test_every_entry_is_a_key() -> None:
    """The table names options and sections that there are."""
    sections = {path for path, *_ in SECTIONS} | {"cluster.tls", "websocket.tls"}

    assert set() == {
        entry
        for entry in RELOADABLE
        if entry.removesuffix(".*") not in (sections if entry.endswith(".*") else LEAVES)
    }


def test_the_options_page() -> None:
    """Each key has its word in the column about reload."""
    rows = [row.split(" | ") for row in reference().splitlines() if row.startswith("| `")]
    words = {row[0].strip("| ").partition("`,")[0].strip("`"): row[-2].strip(" |") for row in rows}

    assert {"yes", "no", "in part"} == set(words.values())
    assert ("no", "yes", "in part", "yes") == tuple(
        words[key] for key in ("port", "max_payload", "cluster", "default_permissions")
    )


def test_a_digest() -> None:
    """It is the same for the same options, another one for others, and no secret can be found by it."""
    one, other = make_options({"port": 1}), make_options({"port": 2})
    secret = make_options({"authorization": {"token": "a"}})

    assert config_digest(one) == config_digest(make_options({"port": 1}))
    assert config_digest(one) != config_digest(other)
    assert config_digest(secret) == config_digest(make_options({"authorization": {"token": "b"}}))
    assert config_digest(secret) != config_digest(make_options({}))
    assert config_digest(make_options(FULL)).startswith("sha256:")
