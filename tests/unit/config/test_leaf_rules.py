"""Unit tests of rules between the options of leaf nodes."""

import pytest

from app.config.document import Block
from app.config.given import Given
from app.config.leaf_rules import idle_leaf_options, leaf_contradictions, leaf_tls_section
from app.config.options import make_options

REMOTE = {"urls": ("nats-leaf://hub",)}


def known(values: dict[str, object]) -> Given:
    """A configuration that is valid part by part."""
    block = Block.of(values)
    return Given(block, block)


def idle(section: dict[str, object]) -> list[str]:
    """The lines about what has no effect."""
    values: dict[str, object] = {"leafnodes": section}
    return [problem.text for problem in idle_leaf_options(make_options(values), known(values))]


def test_a_mesh_with_hubs_needs_a_name() -> None:
    """By it a hub knows that two links lead to one mesh."""
    for name, problems in ((None, 1), ("mesh", 0)):
        cluster = {"port": 1} | ({"name": name} if name else {})
        values: dict[str, object] = {"cluster": cluster, "leafnodes": {"remotes": (REMOTE,)}}
        assert problems == len(list(leaf_contradictions(make_options(values), known(values))))


def test_a_server_alone_needs_no_name() -> None:
    """A server without a cluster needs no name for it."""
    values: dict[str, object] = {"leafnodes": {"remotes": (REMOTE,)}}

    assert [] == list(leaf_contradictions(make_options(values), known(values)))


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ({"authorization": {"user": "a"}}, "leafnodes.authorization.user has no effect without a listener"),
        ({"tls": {"cert_file": "c"}}, "leafnodes.tls has no effect without a listener"),
        ({"host": "h"}, "leafnodes.host has no effect without a listener"),
        ({"port": 1, "reconnect": 5.0}, "leafnodes.reconnect has no effect without remotes"),
        ({"port": 1, "authorization": {"password": "p"}}, "password has no effect without a user"),
        ({"port": 1, "advertise": "h", "no_advertise": True}, "beside leafnodes.no_advertise"),
        ({"port": 1, "tls": {"verify_and_map": True}}, "has the effect of leafnodes.tls.verify"),
        ({"remotes": (REMOTE | {"tls": {"insecure": True}},)}, "any server can pose as the hub"),
    ],
)
def test_what_has_no_effect(section: dict[str, object], text: str) -> None:
    """An option that another one switches off has a line, and so has one that weakens a link."""
    (line,) = idle(section)

    assert text in line


def test_what_has_an_effect() -> None:
    """A listener and remotes as they should be have no line."""
    users = {"users": ({"user": "CN=leaf"},)}
    assert [] == idle({"port": 1, "authorization": users, "tls": {"verify_and_map": True}})
    assert [] == idle({"reconnect": 2.0, "remotes": (REMOTE,)})


def test_the_certificate_of_the_listener_is_checked_as_others_are() -> None:
    """Its section has a path, by which errors name it."""
    path, section = leaf_tls_section(make_options({"leafnodes": {"tls": {"cert_file": "c"}}}))

    assert ("leafnodes", "tls") == path
    assert section is not None
    assert "c" == section.cert_file
