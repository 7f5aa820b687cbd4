"""Unit tests of what keys of a file mean."""

import pytest

from app.config.keys import Resolved, resolve
from app.config.options import Options
from tests.support.document import Value, document


def read(*pairs: tuple[str, Value]) -> Resolved:
    """What a file with these keys says."""
    return resolve(document(*pairs), Options)


def texts(resolved: Resolved) -> tuple[list[str], list[str]]:
    """Problems and notices."""
    return [str(problem) for problem in resolved.problems], [str(notice) for notice in resolved.notices]


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
    assert {field: "v"} == read((key, "v")).values.plain()


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
    resolved = read(*pairs)

    assert values == resolved.values.plain()
    assert () == resolved.problems


def test_sections_and_arrays() -> None:
    """Maps become sections, and arrays of maps arrays of sections."""
    resolved = read(
        ("authorization", [("users", ([("USER", "a"), ("pass", "x")], [("username", "b")]))]),
        ("cluster", [("listen", "h:1"), ("routes", ("nats://i:2",)), ("tls", [("verify", True)])]),
    )

    assert {
        "authorization": {"users": ({"user": "a", "password": "x"}, {"user": "b"})},
        "cluster": {"host": "h", "port": 1, "routes": ("nats://i:2",), "tls": {"verify": True}},
    } == resolved.values.plain()
    assert "x.conf:7:10" == str(resolved.values.place(("authorization", "users", 1, "user")))
    assert "x.conf:9:8" == str(resolved.values.place(("cluster", "port")))


@pytest.mark.parametrize(
    ("pairs", "notice"),
    [
        (
            [("port", 1), ("debug", True), ("Port", 1)],
            'x.conf:3:1: "Port" is given twice, first at x.conf:1:1',
        ),
        (
            [("max_pending", 1), ("max_pending_size", 2)],
            '"max_pending_size" sets the same as "max_pending" at',
        ),
        (
            [("net", "h"), ("listen", "i:1")],
            'x.conf:2:1: "listen" sets the same as "net" at x.conf:1:1',
        ),
        (
            [("listen", "i:1"), ("host", "h")],
            'x.conf:2:1: "host" sets the same as "listen" at x.conf:1:1',
        ),
        ([("http", 1), ("monitor_port", 2)], '"monitor_port" sets the same as "http" at x.conf:1:1'),
        (
            [("cluster", [("routes", ("nats://h:1",))]), ("cluster", [("port", 1)])],
            'x.conf:4:1: "cluster" is given twice, first at x.conf:1:1',
        ),
        (
            [("authorization", [("timeout", 1), ("timeout", 2)])],
            'x.conf:3:1: "timeout" is given twice, first at',
        ),
    ],
)
def test_what_is_given_twice_is_noticed(pairs: list[tuple[str, Value]], notice: str) -> None:
    """Both places are named, by whatever names the keys go, and which of the two counts."""
    problems, (found,) = texts(read(*pairs))

    assert [] == problems
    assert notice in found
    assert found.endswith("; the last one counts")


@pytest.mark.parametrize(
    ("pairs", "place", "first"),
    [
        ([("authorization", [("user", "a")]), ("AUTHORIZATION", [("timeout", 1)])], "3:1", "1:1"),
        ([("tls", [("verify", True)]), ("tls", [("timeout", 2)])], "3:1", "1:1"),
        ([("authorization", [("user", "a"), ("username", "b")])], "3:1", "2:1"),
        ([("authorization", [("pass", "a"), ("password", "b")])], "3:1", "2:1"),
        ([("authorization", [("token", "a"), ("token", "a")])], "3:1", "2:1"),
        ([("authorization", [("users", ([("user", "a"), ("user", "b")],))])], "5:1", "4:1"),
        ([("authorization", [("authenticator", "m:f"), ("authenticator", "m:g")])], "3:1", "2:1"),
        ([("tls", [("ca_file", "a"), ("ca_file", "b")])], "3:1", "2:1"),
        ([("cluster", [("authorization", [("user", "a")])]), ("cluster", [("port", 1)])], "4:1", "1:1"),
        ([("cluster", [("tls", []), ("tls", [])])], "3:1", "2:1"),
    ],
)
def test_no_login_and_no_tls_gets_lost(pairs: list[tuple[str, Value]], place: str, first: str) -> None:
    """Where a second one would drop a login or TLS, both are named and neither is taken."""
    (problem,), notices = texts(read(*pairs))

    assert [] == notices
    assert problem.startswith(f"x.conf:{place}: ")
    assert f" x.conf:{first}; keep one" in problem


def test_of_two_sections_the_last_counts() -> None:
    """A section that comes again replaces the first one as a whole, whose mistakes are found all the same."""
    resolved = read(("cluster", [("port", "x"), ("nope", 1)]), ("CLUSTER", [("host", "h")]))

    assert {"cluster": {"host": "h"}} == resolved.values.plain()
    assert ['x.conf:3:1: unknown key "nope"'] == texts(resolved)[0]
    (aside,) = resolved.superseded
    assert {"cluster": {"port": "x"}} == aside.plain()
    assert "x.conf:2:6" == str(aside.place(("cluster", "port")))
    assert resolved.values.place(("cluster", "port")) == resolved.values.place(("cluster",))


def test_a_variable_may_change() -> None:
    """A key that exists to be referred to may be given again: both of its values have their use."""
    block = document(("N", 1), ("port", 1), ("N", 2))

    assert () == resolve(block, Options, frozenset({"N"})).notices


def test_unknown_keys_are_errors() -> None:
    """A key nobody knows is reported with its place, outside of sections and within them."""
    resolved = read(
        ("gatewy", [("a", 1)]),
        ("authorization", [("permissons", 1), ("users", ([("user", "u"), ("nkye", "U")],))]),
        ("cluster", [("nmae", "c"), ("authorization", [("timout", 1)])]),
    )

    assert [
        'x.conf:1:1: unknown key "gatewy"',
        'x.conf:4:1: unknown key "permissons"',
        'x.conf:8:1: unknown key "nkye"',
        'x.conf:10:1: unknown key "nmae"',
        'x.conf:12:1: unknown key "timout"',
    ] == texts(resolved)[0]
    assert () == resolved.notices


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
    """What cannot be read is reported where it is."""
    ((found,), notices) = texts(read(*pairs))

    assert found.startswith(problem)
    assert [] == notices


@pytest.mark.parametrize("port", [6060, -1])
def test_a_profiling_port(port: int) -> None:
    """The port of Go's profiler does not keep a server from starting; that there is none is reported."""
    problems, (notice,) = texts(read(("prof_port", port)))

    assert [] == problems
    assert notice.startswith("x.conf:1:1: prof_port has no effect")


@pytest.mark.parametrize("port", [0, "", False])
def test_no_profiling_port(port: Value) -> None:
    """Who asks for no profiling gets none, and no line."""
    assert ([], []) == texts(read(("prof_port", port)))
