"""Unit tests of what keys of a file mean."""

import pytest

from app.config.meaning import Meaning, understand
from app.config.options import Options
from tests.fakes.document import Value, document


def read(*pairs: tuple[str, Value]) -> Meaning:
    """What a file with these keys says."""
    return understand(document(*pairs), Options)


def texts(meaning: Meaning) -> tuple[list[str], list[str]]:
    """Problems and notices."""
    return [str(problem) for problem in meaning.problems], [str(notice) for notice in meaning.notices]


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("port", "port"),
        ("PORT", "port"),
        ("net", "host"),
        ("Addr", "host"),
        ("monitor_port", "http_port"),
        ("logfile", "log_file"),
        ("pidfile", "pid_file"),
        ("max_conn", "max_connections"),
        ("max_pending", "max_pending_size"),
    ],
)
def test_keys_and_their_aliases(key: str, field: str) -> None:
    """Whatever its case, and whichever of its names is used, a key sets its option."""
    assert {field: "v"} == read((key, "v")).draft.values


@pytest.mark.parametrize("key", ["http_host", "https_host"])
def test_hidden_fields_are_no_keys(key: str) -> None:
    """What only an address sets is no key of its own."""
    assert [f'x.conf:1:1: unknown key "{key}"'] == texts(read((key, "h")))[0]


@pytest.mark.parametrize(
    ("pairs", "values"),
    [
        ([("listen", "h:1")], {"host": "h", "port": 1}),
        ([("listen", ":1")], {"host": "", "port": 1}),
        ([("listen", 1)], {"port": 1}),
        ([("host", "h"), ("listen", 1)], {"port": 1}),
        ([("listen", 1), ("host", "h")], {"host": "h", "port": 1}),
        ([("listen", "h:1"), ("port", 2)], {"host": "h", "port": 2}),
        ([("port", 2), ("listen", "h:1")], {"host": "h", "port": 1}),
        ([("listen", "h:1"), ("port", 2), ("LISTEN", "i:3")], {"host": "i", "port": 3}),
        ([("port", 1), ("Port", 2)], {"port": 2}),
        ([("http", "h:1")], {"http_host": "h", "http_port": 1}),
        ([("https", 1)], {"https_port": 1}),
        ([("http", "h:1"), ("monitor_port", 2)], {"http_host": "h", "http_port": 2}),
    ],
)
def test_the_last_of_several_counts(pairs: list[tuple[str, Value]], values: dict[str, object]) -> None:
    """Addresses, hosts and ports are obeyed in the order of the file; a port alone clears the host."""
    meaning = read(*pairs)

    assert values == meaning.draft.values
    assert ([], []) == texts(meaning)


def test_sections_and_arrays() -> None:
    """Maps become sections, and arrays of maps arrays of sections."""
    meaning = read(
        ("authorization", [("users", ([("USER", "a"), ("pass", "x")], [("username", "b")]))]),
        ("cluster", [("listen", "h:1"), ("routes", ("nats://i:2",)), ("tls", [("verify", True)])]),
    )

    assert {
        "authorization": {"users": ({"user": "a", "password": "x"}, {"user": "b"})},
        "cluster": {"host": "h", "port": 1, "routes": ("nats://i:2",), "tls": {"verify": True}},
    } == meaning.draft.values
    assert "x.conf:7:10" == str(meaning.draft.place(("authorization", "users", 1, "user")))
    assert "x.conf:9:8" == str(meaning.draft.place(("cluster", "port")))


def test_of_two_sections_the_last_counts() -> None:
    """A section that comes again replaces the first one as a whole."""
    meaning = read(("tls", [("verify", True), ("nope", 1)]), ("TLS", [("timeout", 2)]))

    assert {"tls": {"timeout": 2}} == meaning.draft.values
    assert ([], []) == texts(meaning)


def test_unknown_keys_are_errors() -> None:
    """A key nobody knows is told of with its place, outside of sections and within them."""
    meaning = read(
        ("jetstream", [("a", 1)]),
        ("authorization", [("permissions", 1), ("users", ([("user", "u"), ("nkey", "U")],))]),
        ("cluster", [("nmae", "c"), ("authorization", [("timout", 1)])]),
    )

    assert [
        'x.conf:1:1: unknown key "jetstream"',
        'x.conf:4:1: unknown key "permissions"',
        'x.conf:8:1: unknown key "nkey"',
        'x.conf:10:1: unknown key "nmae"',
        'x.conf:12:1: unknown key "timout"',
    ] == texts(meaning)[0]
    assert [] == meaning.notices


def test_unknown_keys_of_tls() -> None:
    """In the section of TLS the error is gnatsd's."""
    assert (['x.conf:2:1: error parsing tls config, unknown field ["verfy"]'], []) == texts(
        read(("tls", [("verfy", True)]))
    )


def test_a_key_is_shown_on_one_line() -> None:
    """A key in quotes may hold anything, and forges no line."""
    assert [r'x.conf:1:1: unknown key "a\nb\x1b"'] == texts(read(("a\nb\x1b", 1)))[0]


@pytest.mark.parametrize(
    ("pairs", "problem"),
    [
        ([("listen", "localhost")], 'x.conf:1:8: Could not parse address string "localhost"'),
        ([("http", "h:http")], 'x.conf:1:6: Could not parse port "http"'),
        ([("cluster", [("listen", "x")])], 'x.conf:2:8: Could not parse address string "x"'),
        (
            [("cluster", [("authorization", [("users", ())])])],
            "x.conf:3:1: Cluster authorization does not allow multiple users",
        ),
        (
            [("cluster", [("authorization", [("token", "t")])])],
            "x.conf:3:1: Cluster authorization does not allow a token",
        ),
    ],
)
def test_problems(pairs: list[tuple[str, Value]], problem: str) -> None:
    """What cannot be read is reported where it stands."""
    ((found,), notices) = texts(read(*pairs))

    assert found.startswith(problem)
    assert [] == notices


@pytest.mark.parametrize("port", [0, 6060])
def test_a_profiling_port(port: int) -> None:
    """The port of Go's profiler does not keep a server from starting; that there is none is told."""
    problems, (notice,) = texts(read(("prof_port", port)))

    assert [] == problems
    assert notice.startswith("x.conf:1:1: no profiling port is opened")
