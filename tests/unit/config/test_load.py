"""Unit tests of a file and the flags above it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from app.config.addresses import HostPort
from app.config.document import Block
from app.config.errors import ConfigError, Problem
from app.config.flags import CONFIG_FILE, parse
from app.config.load import Loaded, load
from app.config.options import Options, make_options
from app.domain.cluster.route_url import RouteUrl
from tests.support.document import FILE, Value, document
from tests.unit.config.trees import read_text

FULL: list[tuple[str, Value]] = [
    ("listen", "filehost:1000"),
    ("http", "httphost:1001"),
    ("https", 1002),
    ("authorization", [("user", "fileuser"), ("password", "filepass"), ("timeout", 3)]),
    (
        "tls",
        [
            ("cert_file", "c.pem"),
            ("key_file", "k.pem"),
            ("ca_file", "a.pem"),
            ("verify", True),
            ("timeout", 4),
        ],
    ),
    ("cluster", [("listen", "h:1003"), ("routes", ("nats://i:1004",)), ("authorization", [("user", "r")])]),
    ("debug", True),
    ("trace", True),
    ("logtime", False),
    ("log_file", "file.log"),
    ("syslog", True),
    ("remote_syslog", "udp://h:514"),
    ("pid_file", "file.pid"),
    ("server_name", "filename"),
    ("client_advertise", "fileadvertise"),
    ("log_format", "json"),
]


def load_words(*words: str, pairs: list[tuple[str, Value]] | None = None) -> Loaded:
    """What a command line means, with a file if there are pairs."""

    def read_file(path: str, environment: Mapping[str, str]) -> Block:
        assert (FILE, {"HOME": "/"}) == (path, dict(environment))
        return document(*pairs or ())

    file_words = [] if pairs is None else ["-c", FILE]
    return load(parse([*words, *file_words]).given, {"HOME": "/"}, read_file)


def options(*words: str, pairs: list[tuple[str, Value]] | None = None) -> Options:
    """The options of a command line and a file."""
    return load_words(*words, pairs=pairs).options


def problems(*words: str, pairs: list[tuple[str, Value]] | None = None) -> list[str]:
    """What is wrong with a command line and a file."""
    with pytest.raises(ConfigError) as raised:
        load_words(*words, pairs=pairs)
    return str(raised.value).splitlines()


def test_nothing_at_all() -> None:
    """Without flags and file there are the defaults."""
    assert Loaded(make_options({}), ()) == load_words()


def test_a_file_alone() -> None:
    """What the file says is what counts, and the rest has its default."""
    loaded = options(pairs=[("port", 1), ("authorization", [("timeout", "250ms")])])

    assert make_options({"port": 1, "authorization": {"timeout": 0.25}}) == loaded


def test_flags_that_are_not_given_never_count() -> None:
    """Above a file that sets everything, no flag changes nothing."""
    loaded = options(pairs=FULL)

    assert ("filehost", 1000, False, True) == (loaded.host, loaded.port, loaded.logtime, loaded.debug)
    assert (HostPort("httphost", 1001), HostPort("filehost", 1002)) == (loaded.http, loaded.https)


@pytest.mark.parametrize(
    ("words", "path", "value"),
    [
        (["-a", "flaghost"], "host", "flaghost"),
        (["-p", "2000"], "port", 2000),
        (["-p", "0"], "port", 4222),
        (["-P", "flag.pid"], "pid_file", "flag.pid"),
        (["-m", "2001"], "http_port", 2001),
        (["-ms", "2002"], "https_port", 2002),
        (["-n", "flagname"], "server_name", "flagname"),
        (["--client_advertise", "flagadvertise"], "client_advertise", "flagadvertise"),
        (["-l", "flag.log"], "log_file", "flag.log"),
        (["-l", ""], "log_file", None),
        (["-T"], "logtime", True),
        (["-s=false"], "syslog", False),
        (["-r", "tcp://h:1"], "remote_syslog", "tcp://h:1"),
        (["-D=false"], "debug", False),
        (["-V=false"], "trace", False),
        (["-DV=false"], "debug", False),
        (["-DV=false"], "trace", False),
        (["--log_format", "text"], "log_format", "text"),
        (["--user", "flaguser"], "authorization.user", "flaguser"),
        (["--user", "flaguser"], "authorization.password", "filepass"),
        (["--pass", "flagpass"], "authorization.password", "flagpass"),
        (["--auth", "flagtoken"], "authorization.token", "flagtoken"),
        (["--auth", "flagtoken"], "authorization.user", None),
        (["--auth", "flagtoken"], "authorization.password", ""),
        (["--auth", "flagtoken"], "authorization.timeout", 3.0),
        (["--tlscert", "flag.pem"], "tls.cert_file", "flag.pem"),
        (["--tlskey", "flag.pem"], "tls.key_file", "flag.pem"),
        (["--tlscacert", "flag.pem"], "tls.ca_file", "flag.pem"),
        (["--tlsverify=false"], "tls.verify", False),
        (["--tls"], "tls.verify", True),
        (["--tls"], "tls.timeout", 4.0),
        (["--tls=false", "-ms", "0"], "tls", None),
        (["--cluster", "nats://flag:2003"], "cluster.host", "flag"),
        (["--cluster_listen", "nats://flag:2003"], "cluster.port", 2003),
        (["--cluster", "nats://:2003"], "cluster.host", "0.0.0.0"),  # noqa: S104 - nothing listens
        (["--cluster", "nats://flag:2003"], "cluster.authorization.user", "r"),
        (["--cluster", "nats://u:p@flag:2003"], "cluster.authorization.user", "u"),
        (["--cluster", "nats://u:p@flag:2003"], "cluster.authorization.password", "p"),
        (["--cluster", "", "--routes="], "cluster.port", 0),
        (["--routes", "nats://a:1, nats://b:2 ,"], "cluster.routes", None),
        (["--routes", ""], "cluster.routes", ()),
        (["--no_advertise"], "cluster.no_advertise", True),
        (["--cluster_advertise", "10.0.0.1:1"], "cluster.cluster_advertise", "10.0.0.1:1"),
        (["--connect_retries", "5"], "cluster.connect_retries", 5),
    ],
)
@pytest.mark.parametrize("dash", ["-", "--"])
def test_every_flag_counts_before_the_file(dash: str, words: list[str], path: str, value: object) -> None:
    """A flag that is given overrides the file, whatever its value, with one dash and with two."""
    if path == "cluster.routes" and value is None:
        value = tuple(RouteUrl(host, port) for host, port in (("a", 1), ("b", 2)))
    found: object = options(dash + words[0].lstrip("-"), *words[1:], pairs=FULL)
    for name in path.split("."):
        found = getattr(found, name)

    assert value == found


def test_a_user_by_flag_replaces_all_of_the_file() -> None:
    """A user by flag takes the place of several users, and of an authenticator."""
    several: list[tuple[str, Value]] = [("authorization", [("users", ([("user", "a")],))])]
    own: list[tuple[str, Value]] = [("authorization", [("authenticator", "m:f")])]

    for pairs in (several, own):
        asked = options("--user", "u", "--pass", "p", pairs=pairs).authorization
        assert ("u", "p", None, None) == (asked.user, asked.password, asked.users, asked.authenticator)


def test_tls_by_flags_alone() -> None:
    """Flags make the section they need."""
    tls = options("--tlsverify", "--tlscert", "c", "--tlskey", "k", "--tlscacert", "a").tls

    assert tls is not None
    assert ("c", "k", "a", True) == (tls.cert_file, tls.key_file, tls.ca_file, tls.verify)


@pytest.mark.parametrize("words", [["--tlscert", "c", "--tlskey", "k"], ["--tls=false", "--tlscert", "c"]])
def test_certificates_alone_switch_nothing_on(words: list[str]) -> None:
    """Without ``--tls``, and without TLS in a file, certificates have no effect."""
    assert options(*words).tls is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--tls", "--tlskey", "k"], ["TLS Server certificate must be present and valid."]),
        (["--tlsverify", "--tlscert", "c"], ["TLS Server private key must be present and valid."]),
        (
            ["--routes", "nats://h:1"],
            ["Solicited routes require cluster capabilities, e.g. --cluster."],
        ),
        (["--cluster", "nats://h"], ["address h: missing port in address"]),
        (["--cluster", "nats://h", "--routes", "nats://h:1"], ["address h: missing port in address"]),
        (["--cluster", "nats://"], ["missing port in address"]),
        (["--cluster", "nats://u@h:1"], ["Expected cluster password to be set."]),
        (["--cluster", "nats://h:1", "--routes", "h"], ['error parsing route url ["h"]']),
        (["-p", "99999"], ["port must be at most 65535"]),
        (
            ["--pass", "$2a$x"],
            ["authorization.password begins like a bcrypt hash, but is none: a hash is $2a$"],
        ),
        (["-p", "-5", "-m", "-5"], ["http_port must be at least -1", "port must be at least -1"]),
    ],
)
def test_mistakes_in_flags(words: list[str], expected: list[str]) -> None:
    """What flags want and cannot have is reported in gnatsd's words, where it has any."""
    found = problems(*words)

    assert len(expected) == len(found)
    assert all(line.startswith(text) for line, text in zip(found, expected, strict=True))


def test_profiling_that_is_off() -> None:
    """No profiling is what there is, so the flag may say so."""
    assert make_options({}) == options("--profile", "0")


def test_all_mistakes_in_the_order_of_the_file() -> None:
    """Mistakes of reading, of values and of flags come together: by place, and those of flags last."""
    pairs: list[tuple[str, Value]] = [
        ("port", "x"),
        ("listen", "x"),
        ("tls", [("verfy", 1)]),
        ("max_payload", -1),
    ]

    assert [
        "x.conf:1:6: port must be a whole number",
        'x.conf:2:8: Could not parse address string "x"',
        'x.conf:4:1: error parsing tls config, unknown field ["verfy"]',
        "x.conf:5:13: max_payload must be at least 1",
        "http_port must be at most 65535",
    ] == problems("-m", "99999", pairs=pairs)


@pytest.mark.parametrize(
    ("words", "pairs", "notice"),
    [
        (["--profile", "6060"], None, Options.idle["prof_port"]),
        ([], [("prof_port", 6060)], f"x.conf:1:1: {Options.idle['prof_port']}"),
        (
            [],
            [("authorization", [("password", "p")])],
            "x.conf:2:10: authorization.password has no effect without a user",
        ),
        (["--pass", "p"], None, "--pass has no effect without a user"),
        (
            [],
            [("authorization", [("user", "u"), ("token", "t")])],
            "x.conf:3:7: authorization.token has no effect because users are set",
        ),
        (
            [],
            [("cluster", [("routes", ("nats://h:1",))])],
            "x.conf:2:8: cluster.routes has no effect without a cluster: set cluster.port, or --cluster",
        ),
    ],
)
def test_what_has_no_effect_is_noticed(
    words: list[str], pairs: list[tuple[str, Value]] | None, notice: str
) -> None:
    """What is given and useless makes a line, and no error."""
    assert [notice] == [str(found) for found in load_words(*words, pairs=pairs).notices]


def test_a_file_that_cannot_be_read() -> None:
    """The error of reading is passed on as it is."""

    def read_file(path: str, environment: Mapping[str, str]) -> Block:
        raise ConfigError([Problem(f"no {path} in {environment}")])

    with pytest.raises(ConfigError, match=r"^no f in \{\}$"):
        load(parse(["-c", "f"]).given, {}, read_file)


@pytest.mark.parametrize(
    "text",
    [
        "SECRET: t\nauthorization { token: $SECRET }\n",
        "authorization { SECRET: t\n token: $SECRET }\n",
        "include 'inner.conf'\nauthorization { token: $SECRET }\n",
        "authorization { include 'whole.conf'\n }\n",
    ],
)
def test_a_key_for_a_variable_is_known(tmp_path: Path, text: str) -> None:
    """A key that exists to be referred to is no surprise; one that nobody refers to is."""
    file = tmp_path / "x.conf"
    file.write_text(text)
    (tmp_path / "inner.conf").write_text("SECRET: t\n")
    (tmp_path / "whole.conf").write_text("SECRET: t\ntoken: $SECRET\n")

    loaded = load({CONFIG_FILE: str(file)}, {})
    file.write_text(f"{text}OTHER: 1\n")

    assert "t" == loaded.options.authorization.token
    assert () == loaded.notices
    with pytest.raises(ConfigError, match=r'unknown key "OTHER"$'):
        load({CONFIG_FILE: str(file)}, {})


def test_the_flags_of_launchers() -> None:
    """A server with JetStream is asked for in these forms."""
    words = ("-js", "-sd=/tmp/js", "--name", "n", "--cluster_name=c", "--cluster", "nats://h:-1")
    loaded = load(parse(words).given, {}, lambda *_: Block())

    assert ("n", "c") == (loaded.options.server_name, loaded.options.cluster.name)
    assert (True, "/tmp/js", ()) == (  # noqa: S108 - a value
        loaded.options.stores_streams,
        loaded.options.streams_dir,
        loaded.notices,
    )
    assert parse(words).given == parse(("--jetstream", "--store_dir", "/tmp/js", *words[2:])).given  # noqa: S108 - a value


@pytest.mark.parametrize(
    ("words", "text", "directory"),
    [
        ((), "jetstream: true", None),
        ((), "jetstream: enabled", None),
        ((), "jetstream { store: /a }", "/a"),
        ((), "jetstream { domain: hub }\nstore_dir: /b", "/b"),
        ((), "jetstream { store_dir: /a }\nstore_dir: /b", "/a"),
        (("-js",), "", None),
        (("-js", "-sd", "/c"), "", "/c"),
        (("-js",), "jetstream { store_dir: /a }", "/a"),
        (("-js",), "jetstream { enabled: false, store_dir: /a }", "/a"),
        (("-sd", "/c"), "jetstream { store_dir: /a }", "/c"),
        (("-sd", "/c"), "jetstream: true", "/c"),
    ],
)
def test_jetstream(words: tuple[str, ...], text: str, directory: str | None) -> None:
    """JetStream is on by a flag or the file, and its directory is that of the flag, the section, the file."""
    loaded = load({CONFIG_FILE: "x.conf", **parse(words).given}, {}, lambda *_: read_text(text, "x.conf", {}))

    assert (True, directory, ()) == (
        loaded.options.stores_streams,
        loaded.options.streams_dir,
        loaded.notices,
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), ""),
        ((), "jetstream: disabled"),
        ((), "jetstream: false"),
        ((), "jetstream { enabled: false }"),
        (("-js=false",), "jetstream: true"),
    ],
)
def test_no_jetstream(words: tuple[str, ...], text: str) -> None:
    """It is off unless asked for, and a directory without it makes a line."""
    given = {CONFIG_FILE: "x.conf", **parse((*words, "-sd", "/c")).given}

    loaded = load(given, {}, lambda *_: read_text(text, "x.conf", {}))

    (notice,) = loaded.notices
    assert not loaded.options.stores_streams
    assert str(notice) == "--store_dir has no effect without JetStream: set jetstream, or --jetstream"


def test_jetstream_for_clients_of_gnatsd() -> None:
    """Streams need headers, which gnatsd's protocol has not: together they are an error."""
    given = parse(("-js", "--compatibility", "0.8.0")).given
    with pytest.raises(ConfigError, match="jetstream needs current clients, and --compatibility is not"):
        load(given, {}, lambda *_: Block())
