"""Unit tests of options of leaf nodes, turned into plain values."""

import ssl
from typing import NoReturn

import pytest

from app.adapters.auth.leaf_credentials import RemoteLogin
from app.adapters.net_asyncio.leaf_dialer import LeafDialSettings
from app.adapters.net_asyncio.tls_choice import ChoiceTerms
from app.config.options import Options, make_options
from app.domain.connection_type import ConnectionType
from app.domain.leaf.leaf_url import LeafUrl
from app.domain.leaf.settings import LeafListenerSettings, LeafRemoteSettings
from app.domain.security.credentials import Identity
from app.entrypoints import leaf_settings
from app.entrypoints.leaf_settings import (
    dial_settings,
    leaf_anonymous,
    leaf_auth_settings,
    leaf_choice,
    leaf_listener_settings,
    leaf_tls,
    remote_login,
    remote_settings,
    remote_tls,
)
from app.entrypoints.settings import has_leaves
from tests.support.certificates import certificates
from tests.support.nkeys import NkeyUser

USER = NkeyUser()
TLS = {"cert_file": certificates().server.cert_file, "key_file": certificates().server.key_file}
HUB = LeafUrl("hub", 7422)


def record(_: object) -> NoReturn:
    """Nothing happens yet."""
    raise NotImplementedError


def listener(**section: object) -> Options:
    """A server with a listener for leaves."""
    return make_options({"leafnodes": {"host": "127.0.0.1", "port": 7422, **section}})


def test_who_has_leaf_nodes() -> None:
    """A listener or a remote makes some; one that is disabled may be enabled by a reload."""
    assert not has_leaves(make_options({}))
    assert has_leaves(listener())
    for disabled in (False, True):
        remote = {"urls": "nats://hub", "disabled": disabled}
        assert has_leaves(make_options({"leafnodes": {"remotes": (remote,)}}))


def test_logins_of_leaves() -> None:
    """They may have users or an nkey of their own; else those of clients count."""
    assert leaf_auth_settings(listener()) is None
    single = leaf_auth_settings(listener(authorization={"user": "a", "password": "b"}))
    several = leaf_auth_settings(listener(authorization={"users": ({"user": "a"}, {"user": "c"})}))
    nkey = leaf_auth_settings(listener(authorization={"nkey": USER.nkey}))

    assert single is not None
    assert {"a": "b"} == single.users
    assert several is not None
    assert {"a": "", "c": ""} == several.users
    assert nkey is not None
    assert ((USER.nkey,), {}) == (nkey.nkeys, nkey.users)


def test_certificates_of_leaves() -> None:
    """With `verify_and_map` they say which of the users of leaves one is."""
    mapped = {**TLS, "verify_and_map": True, "ca_file": certificates().authority.ca_file}
    options = listener(tls=mapped, authorization={"users": ({"user": "a"},)})
    found = leaf_auth_settings(options)
    tls = leaf_tls(options, record)

    assert found is not None
    assert (ConnectionType.LEAFNODE,) == found.mapped
    assert tls is not None
    assert tls.identify


def test_a_leaf_without_credentials() -> None:
    """It is the user for those, unless leaves have logins of their own."""
    users = {"authorization": {"users": ({"user": "a", "password": "b"},)}, "no_auth_user": "a"}
    section = {"port": 7422}
    own = {**section, "authorization": {"user": "x"}}

    assert Identity("a") == leaf_anonymous(make_options({**users, "leafnodes": section}))
    assert leaf_anonymous(make_options({**users, "leafnodes": own})) is None
    assert leaf_anonymous(make_options({"leafnodes": section})) is None


def test_tls_of_the_listener() -> None:
    """Peers are called leaf nodes in the log, and may begin the handshake first if that is configured."""
    assert leaf_tls(listener(), record) is None
    assert leaf_tls(make_options({"leafnodes": {"tls": TLS}}), record) is None
    plain = leaf_tls(listener(tls=TLS), record)
    first = leaf_tls(listener(tls={**TLS, "handshake_first": True}), record)

    assert plain is not None
    assert (2.0, "leafnode", False) == (plain.timeout, plain.kind, plain.first)
    assert first is not None
    assert first.first
    assert leaf_choice(listener()) is None
    assert leaf_choice(listener(tls=TLS)) is None
    assert ChoiceTerms(2.0, 0.05) == leaf_choice(listener(tls={**TLS, "handshake_first": "auto"}))


def test_an_authenticator_of_ones_own_gets_names() -> None:
    """Where it judges leaves and certificates are verified."""
    verified = {**TLS, "verify": True, "ca_file": certificates().authority.ca_file}
    own = {"authorization": {"authenticator": "a.b:c"}}
    for section, identify in (({}, True), ({"authorization": {"user": "a"}}, False)):
        options = make_options({**own, "leafnodes": {"port": 1, "tls": verified, **section}})
        tls = leaf_tls(options, record)
        assert tls is not None
        assert tls.identify is identify


def test_the_listener() -> None:
    """The domain gets what INFO says, and the time for a login."""
    assert leaf_listener_settings(make_options({})) is None
    options = listener(
        tls={**TLS, "verify": True},
        advertise="hub.example",
        no_advertise=True,
        min_version="2.10.0",
        authorization={"timeout": 3.0},
    )

    assert (
        LeafListenerSettings("127.0.0.1", 7422, 3.0, True, True, "hub.example", False, "2.10.0")  # noqa: FBT003 - a record
        == leaf_listener_settings(options)
    )


def test_a_listener_on_all_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves learn of one that they can dial, if there is one."""
    for found, advertised in ((["192.0.2.1", "192.0.2.2"], "192.0.2.1"), ([], "")):
        monkeypatch.setattr(leaf_settings, "global_addresses", lambda found=found: found)
        made = leaf_listener_settings(make_options({"leafnodes": {"port": 7422}}))
        assert made is not None
        assert advertised == made.advertised


def test_a_remote() -> None:
    """Each part gets what it needs of it."""
    remote = {
        "urls": "nats-leaf://hub",
        "deny_imports": "a",
        "deny_exports": ("b", "c"),
        "hub": True,
        "no_randomize": True,
        "ignore_discovered_servers": True,
        "first_info_timeout": 3.0,
        "nkey": USER.seed,
        "tls": {"insecure": True, "handshake_first": True, "timeout": 4.0},
    }
    section = make_options(
        {"leafnodes": {"reconnect": 5.0, "dial_timeout": 6.0, "remotes": (remote,)}}
    ).leafnodes
    (made,) = section.remotes
    tls = remote_tls(made, record)

    assert (
        LeafRemoteSettings((HUB,), "$G", ("a",), ("b", "c"), True, False, 5.0, 3.0, True)  # noqa: FBT003 - a record
        == remote_settings(section, made)
    )
    assert RemoteLogin((HUB,), "", USER.seed) == remote_login(made)
    assert LeafDialSettings((HUB,), True, True, 6.0, 3.0) == dial_settings(section, made)  # noqa: FBT003 - a record
    assert (ssl.CERT_NONE, 4.0, True) == (tls.context.verify_mode, tls.timeout, tls.for_routes)


def test_a_remote_without_tls() -> None:
    """A hub that asks for it is verified all the same."""
    section = make_options(
        {"leafnodes": {"remotes": ({"urls": "nats://hub", "dial_timeout": 2.0},)}}
    ).leafnodes
    (made,) = section.remotes

    assert LeafDialSettings((HUB,), dial_seconds=2.0) == dial_settings(section, made)
    assert ssl.CERT_REQUIRED == remote_tls(made, record).context.verify_mode
