"""Unit tests of the section ``leafnodes``."""

import pytest

from app.config.errors import ConfigError
from app.config.keys import resolve
from app.config.options import Options, make_options
from app.config.sections.leaf_nodes import LeafOptions, version_of
from app.domain.leaf.leaf_url import LeafUrl
from tests.support.nkeys import NkeyUser
from tests.unit.config.trees import read_text

HUB = "nats-leaf://hub:7422"


def section(text: str) -> LeafOptions:
    """The section with these keys, as a file has it."""
    resolved = resolve(read_text(f"leafnodes {{ {text} }}", "x.conf", {}), Options)
    if resolved.problems:
        raise ConfigError(resolved.problems)
    return make_options(resolved.values.plain()).leafnodes


def test_there_is_no_leaf_node_by_default() -> None:
    """Without a port there is no listener, and without remotes no hub."""
    options = make_options({}).leafnodes

    assert (0, (), False) == (options.port, options.in_use, options.maps_certificates)
    assert (1.0, 1.0, 2.0) == (options.reconnect, options.dial_timeout, options.authorization.timeout)


def test_the_listener() -> None:
    """Address, logins and TLS have the keys of nats-server."""
    listener = section(
        'listen: "127.0.0.1:7423", advertise: "hub.example", min_version: "v2.10.1", tls { verify: true }, '
        'authorization { users: [{ user: a, password: b, account: "$G" }], timeout: "3s" }'
    )

    assert ("127.0.0.1", 7423, "hub.example", "2.10.1") == (
        listener.host,
        listener.port,
        listener.advertise,
        listener.min_version,
    )
    assert listener.authorization.is_set
    assert 3.0 == listener.authorization.timeout
    assert listener.tls is not None
    assert 2.0 == listener.tls.timeout


def test_remotes() -> None:
    """A remote has one URL or several; of a text alone a list is made."""
    one, several = section(
        "reconnect_delay: 5, remotes: ["
        f'{{ url: "{HUB}", deny_import: "a.>", deny_exports: [b, "c.*"], hub: true, creds: "/x.creds" }}, '
        '{ urls: ["tls://u:p%40@h", "nats://tok@[::1]:1"], local: "$G", no_randomize: true, '
        'ignore_discovered_servers: true, dial_timeout: "2s", first_info_timeout: 3, disabled: true } ]'
    ).remotes

    assert (LeafUrl("hub", 7422),) == one.urls
    assert (("a.>",), ("b", "c.*"), True) == (one.deny_imports, one.deny_exports, one.hub)
    assert "/x.creds" == one.credentials
    first, second = several.urls
    assert ("h", 7422, True, "u", "p@") == (first.host, first.port, first.tls, first.user, first.password)
    assert ("::1", 1, False, "", "tok") == (second.host, second.port, second.tls, second.user, second.token)
    assert (2.0, 3.0) == (several.dial_timeout, several.first_info_timeout)


def test_a_remote_that_is_disabled_is_not_dialled() -> None:
    """It keeps its place in the file."""
    options = section(f'remotes: [{{ url: "{HUB}", disabled: true }}, {{ url: "nats://other" }}]')

    assert [(LeafUrl("other"),)] == [remote.urls for remote in options.in_use]


def test_the_section_has_the_short_name_of_nats_server() -> None:
    """`leaf` is the same as `leafnodes`."""
    resolved = resolve(read_text("leaf { port: 7422 }", "x.conf", {}), Options)

    assert 7422 == make_options(resolved.values.plain()).leafnodes.port


def test_tls_of_a_remote() -> None:
    """It needs no certificate of its own; what is for listeners has no effect there."""
    text = f'remotes: [{{ url: "{HUB}", tls {{ ca_file: "ca.pem", first: true, verify: true }} }}]'
    resolved = resolve(read_text(f"leafnodes {{ {text} }}", "x.conf", {}), Options)
    (remote,) = make_options(resolved.values.plain()).leafnodes.remotes

    assert remote.tls is not None
    assert ("ca.pem", True, False, 2.0) == (
        remote.tls.ca_file,
        remote.tls.handshake_first,
        remote.tls.insecure,
        remote.tls.timeout,
    )
    assert "verify has no effect on links that are dialled" in resolved.notices[0].text


def test_a_seed_is_shown_nowhere() -> None:
    """Neither the options nor an error has it."""
    seed = NkeyUser().seed
    options = section(f'remotes: [{{ url: "{HUB}", nkey: "{seed}" }}]')

    assert seed == options.remotes[0].nkey
    assert seed not in repr(options)
    with pytest.raises(ConfigError) as raised:
        section(f'remotes: [{{ url: "{HUB}", nkey: "{seed[:-1]}A" }}]')
    assert "Remote leafnode nkey is not a valid seed" in str(raised.value)
    assert seed[:-1] not in str(raised.value)


@pytest.mark.parametrize("mode", ["off", '"none"', "false", "{ mode: off }"])
def test_compression_may_be_off(mode: str) -> None:
    """The block of a server that switches it off is understood."""
    assert "off" == section(f"compression: {mode}").compression


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo: 1", 'unknown key "foo"'),
        ("remotes: [{ foo: 1 }]", 'unknown key "foo"'),
        ('remotes: [{ account: "$G" }]', "leafnodes.remotes[0].urls is missing"),
        ("remotes: [{ urls: [] }]", "a remote of leafnodes has no urls"),
        (f'remotes: {{ url: "{HUB}" }}', "leafnodes.remotes must be an array"),
        ("remotes: [{ url: 5 }]", "must be a URL such as nats-leaf://host:port"),
        ('remotes: [{ url: "127.0.0.1:1" }]', 'error parsing leafnode url ["127.0.0.1:1"]'),
        ('remotes: [{ url: "ws://h:1" }]', "leaf nodes do not connect over websockets"),
        ('remotes: [{ url: "http://h:1" }]', "write nats-leaf://host:port or tls://host:port"),
        ('remotes: [{ url: "nats://h:0" }]', "a host is needed, and a port from 1 to 65535"),
        (
            f'remotes: [{{ url: "{HUB}", account: NOPE }}]',
            'cannot find local account "NOPE" specified in leafnode remote',
        ),
        (
            "authorization { user: a, account: NOPE }",
            'cannot find local account "NOPE" specified in leafnode authorization',
        ),
        (
            f'remotes: [{{ url: "{HUB}" }}, {{ url: "nats://hub" }}]',
            'duplicate remote urls=["nats-leaf://hub:7422"]',
        ),
        (f'remotes: [{{ url: "{HUB}", deny_imports: "a..b" }}]', 'subject "a..b" is not a valid subject'),
        (f'remotes: [{{ url: "{HUB}", deny_exports: "a b" }}]', 'subject "a b" is not a valid subject'),
        (f'remotes: [{{ url: "{HUB}", proxy: {{ url: "http://x" }} }}]', "proxy is not supported"),
        (f'remotes: [{{ url: "{HUB}", isolate: true }}]', "isolate is not supported"),
        (f'remotes: [{{ url: "{HUB}", jetstream_cluster_migrate: true }}]', "is not supported"),
        (f'remotes: [{{ url: "{HUB}", ws_compression: true }}]', "is for remotes over websockets"),
        (
            f'remotes: [{{ url: "{HUB}", compression: s2_auto }}]',
            "compression between servers is not supported",
        ),
        (
            f'remotes: [{{ url: "{HUB}", tls {{ foo: 1 }} }}]',
            'error parsing tls config, unknown field ["foo"]',
        ),
        (f'remotes: [{{ url: "{HUB}", tls {{ cert_file: "c" }} }}]', "cert_file of a remote needs key_file"),
        (f'remotes: [{{ url: "{HUB}", tls {{ key_file: "c" }} }}]', "key_file of a remote needs cert_file"),
        ("compression: s2_fast", "compression between servers is not supported"),
        ('min_version: "2.7.0"', "the minimum version should be at least 2.8.0"),
        ("min_version: new", "invalid leafnode's minimum version: invalid semver"),
        ("authorization { token: t }", "Leafnode authorization does not allow a token"),
        ("authorization { nkey: UABC }", "Not a valid public nkey for leafnode authorization"),
        ("authorization { users: [] }", "leafnodes.authorization.users is empty"),
        (
            "authorization { user: a, users: [{ user: b }] }",
            "can not have a single user/pass and a users array",
        ),
        (
            "authorization { users: [{ user: b }, { user: b }] }",
            'duplicate user "b" detected in leafnode authorization',
        ),
        ('advertise: "a:b:c"', "must be a host"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    """Each mistake is named, in nats-server's words where it has any."""
    with pytest.raises(ConfigError) as raised:
        section(text)

    assert message in str(raised.value)


def test_logins_exclude_each_other() -> None:
    """A remote logs in in one way, and a listener has one kind of logins."""
    user = NkeyUser()
    for text, message in (
        (f'remotes: [{{ url: "{HUB}", nkey: "{user.seed}", creds: "x" }}]', "both creds and nkey"),
        (f'authorization {{ user: a, nkey: "{user.nkey}" }}', "has an nkey and users"),
    ):
        with pytest.raises(ConfigError, match=message):
            section(text)


def test_versions() -> None:
    """They are compared as numbers."""
    assert (2, 10, 0) == version_of("2.10.0-beta.1")
    assert (2, 9, 0) < (version_of("v2.10.0") or ())
    assert version_of("2.10") is None
