"""Command lines and configurations that could be without effect, each with what is said about it.

A row is a command line, its files, the exit status and the lines on standard error. In a line, ``…``
is any text. A check says the same as a start, so most rows are checks.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from app.entrypoints import mkpasswd, top
from app.entrypoints.command import run_command
from tests.support.certificates import certificates
from tests.support.server_process import ServerProcess

VALID, FAILED, MISUSED = 0, 1, 2

CERT = "cert_file: $CERT, key_file: $KEY"


class Row(NamedTuple):
    """One command line, and its answer."""

    words: str
    status: int
    lines: Sequence[str] = ()
    files: str | Sequence[str] = ()
    """The text of ``n.conf``, and of ``inner.conf`` if there are two."""


STRAY = [
    Row("n.conf", MISUSED, ['unexpected argument "n.conf": give a file with -c; see --help'], "port: 1"),
    Row("-t n.conf", MISUSED, ['unexpected argument "n.conf": give a file with -c; see --help'], "port: 1"),
    Row(
        "-D true -c n.conf",
        MISUSED,
        ['unexpected argument "true": write -D=true…'],
    ),
    Row("-T false --user a --pass b", MISUSED, ['unexpected argument "false": …-T=false; see --help']),
    Row("--tls yes -c n.conf", MISUSED, ['unexpected argument "yes": give a file with -c; see --help']),
    Row("-p 4222 start", MISUSED, ['unexpected argument "start": give a file with -c; see --help']),
    Row("-- -D", MISUSED, ['unexpected argument "-D": give a file with -c; see --help']),
    Row("version now", MISUSED, ['unexpected argument "now": give a file with -c; see --help']),
    Row(
        "--confg n.conf",
        MISUSED,
        ["flag provided but not defined: -confg; did you mean --config? See --help"],
    ),
    Row(
        "--tls_cert c",
        MISUSED,
        ["flag provided but not defined: -tls_cert; did you mean --tlscert? See --help"],
    ),
    Row("--http-port 1", MISUSED, ["flag provided but not defined: -http-port; did you mean --http_port?…"]),
    Row("-C n.conf", MISUSED, ["flag provided but not defined: -C; did you mean -c? See --help"]),
    Row("--qwertz", MISUSED, ["flag provided but not defined: -qwertz; see --help"]),
    Row("-p", MISUSED, ["flag needs an argument: -p"]),
    Row("-p abc", MISUSED, ['invalid value "abc" for flag -p: parse error']),
    Row("-D=maybe", MISUSED, ['invalid boolean value "maybe" for -D: parse error']),
]

TWICE = [
    Row(
        "-t -c n.conf",
        FAILED,
        ['n.conf:2:1: "authorization" is given twice, first at n.conf:1:1; keep one…'],
        "authorization { user: a, password: b }\nauthorization { timeout: 3 }",
    ),
    Row(
        "-t -c n.conf",
        FAILED,
        ['n.conf:2:1: "authorization" is given twice, first at inner.conf:1:1; keep one…'],
        ("include ./inner.conf\nauthorization { token: t }", "authorization { user: a, password: b }"),
    ),
    Row(
        "-t -c n.conf",
        FAILED,
        ['n.conf:1:35: "username" sets the same as "user" at n.conf:1:17; keep one…'],
        "authorization { user: a, pass: b, username: c }",
    ),
    Row(
        "-t -c n.conf",
        FAILED,
        ['n.conf:2:1: "TLS" is given twice, first at n.conf:1:1; keep one…'],
        f"tls {{ {CERT}, verify: true }}\nTLS {{ {CERT} }}",
    ),
    Row(
        "-t -c n.conf",
        FAILED,
        ['n.conf:2:1: "cluster" is given twice, first at n.conf:1:1; keep one…'],
        "cluster { port: -1, authorization { user: a, password: b } }\ncluster { port: -1 }",
    ),
    Row(
        "-t -c n.conf",
        VALID,
        ['n.conf:2:1: "port" is given twice, first at n.conf:1:1; the last one counts'],
        "port: -1\nport: -1",
    ),
    Row(
        "-t -c n.conf",
        VALID,
        ['n.conf:2:1: "port" sets the same as "listen" at n.conf:1:1; the last one counts'],
        'listen: "127.0.0.1:-1"\nport: -1',
    ),
    Row(
        "-t -c n.conf",
        VALID,
        ['n.conf:2:1: "max_pending" sets the same as "max_pending_size" at n.conf:1:1; the last one counts'],
        "max_pending_size: 20mb\nmax_pending: 10mb",
    ),
    Row(
        "-t -c n.conf -p 4222",
        FAILED,
        [
            "n.conf:1:7: port must be a whole number",
            'n.conf:2:1: "port" is given twice, first at n.conf:1:1; the last one counts',
        ],
        'port: "abc"\nport: 4333',
    ),
    Row("-t -p 1 -p -1", VALID, ["-p is given twice; the last one counts"]),
]

IDLE = [
    Row(
        "-t --tlscert c --tlskey k --tlscacert a",
        VALID,
        [
            f"--{name} has no effect without --tls: connections are not encrypted"
            for name in ("tlscacert", "tlscert", "tlskey")
        ],
    ),
    Row(
        "-t --tls=false --tlscert c",
        VALID,
        ["--tlscert has no effect beside --tls=false: connections are not encrypted"],
    ),
    Row(
        "-t --no_advertise --cluster_advertise 10.0.0.1 --connect_retries 3",
        VALID,
        [
            f"--{name} has no effect without a cluster: …"
            for name in ("cluster_advertise", "connect_retries", "no_advertise")
        ],
    ),
    Row(
        "-t -c n.conf",
        VALID,
        [
            "n.conf:1:25: cluster.no_advertise has no effect without a cluster: …",
            "n.conf:1:52: cluster.authorization.user has no effect without a cluster: …",
        ],
        "cluster { no_advertise: yes, authorization { user: a, password: b } }",
    ),
    Row("-t -s -l log", VALID, ["--syslog has no effect because the log goes to --log"]),
    Row(
        "-t -r udp://localhost:514 -l log",
        VALID,
        ["--remote_syslog has no effect because the log goes to --log"],
    ),
    Row(
        "-t -s -r udp://127.0.0.1:514",
        VALID,
        ["--syslog has no effect because the log goes to --remote_syslog"],
    ),
    Row("-t --pass p", VALID, ["--pass has no effect without a user"]),
    Row("-t --pass p --auth t", VALID, ["--pass has no effect without a user"]),
    Row("-t --user u --pass p --auth t", VALID, ["--auth has no effect because users are set"]),
    Row(
        "-t -c n.conf --auth t",
        VALID,
        ["n.conf:1:24: authorization.users has no effect beside --auth"],
        "authorization { users: [{ user: a, password: b }] }",
    ),
    Row(
        "-t -c n.conf",
        VALID,
        ["n.conf:1:26: authorization.timeout has no effect because no login is required: …"],
        "authorization { timeout: 3 }",
    ),
    Row(
        "-t -c n.conf",
        VALID,
        ["n.conf:1:62: authorization.authenticator_timeout has no effect without an authenticator"],
        "authorization { user: a, password: b, authenticator_timeout: 3 }",
    ),
    Row("-t --profile 6060", VALID, ["prof_port has no effect, …"]),
    Row(
        "-t --pass --tls",
        VALID,
        ["--pass has no effect…", "--pass has taken the next flag as its value; …"],
    ),
]

NOTHING = [
    Row("-t", VALID),
    Row("-t -c n.conf", VALID, (), "prof_port: 0"),
    Row(
        "-t --profile 0 --tls=false --tlscert= --no_advertise=false --connect_retries 0 -s=false -l log",
        VALID,
    ),
    Row("-t --cluster= --routes= --pass= -r=", VALID),
    Row("-t --auth=", VALID, ["--auth is empty: no login is required"]),
    Row(
        "-t -c n.conf",
        VALID,
        (),
        "authorization { timeout: 0 }\ncluster { no_advertise: no, connect_retries: 0 }",
    ),
    Row("-t -D=true -V=F -T=0 -DV=1", VALID),
    Row("-t -p -1 -D=true -D=true", VALID),
]

STARTS = [
    Row("-t -ms 8443", FAILED, ["TLS cert and key required for HTTPS: https_port needs `tls`"]),
    Row(
        "-t -c n.conf",
        FAILED,
        ["n.conf:1:8: TLS cert and key required for HTTPS: https_port needs `tls`"],
        "https: 8443",
    ),
    Row(
        "-t -c n.conf",
        FAILED,
        ["n.conf:1:5: TLS Server private key must be present and valid. Set tls.key_file"],
        "tls { cert_file: $CERT }",
    ),
    Row(
        "-t -c n.conf",
        FAILED,
        ["n.conf:1:5: …Set tls.cert_file", "n.conf:1:5: …Set tls.key_file"],
        "tls {}",
    ),
    Row(
        "-t --tls --tlskey k",
        FAILED,
        ["TLS Server certificate must be present and valid.", "…open k: no such file…"],
    ),
    Row("-t -p 4222 -m 4222", FAILED, ["port 4222 is used twice, by --port and --http_port; …"]),
    Row("-t -m 4222", FAILED, ["port 4222 is used twice, by the default of port and --http_port; …"]),
    Row(
        "-t -p 4222 --cluster nats://0.0.0.0:4222",
        FAILED,
        ["port 4222 is used twice, by --port and --cluster; use two different ports"],
    ),
    Row(
        "-t -c n.conf",
        FAILED,
        ["n.conf:2:7: port 9222 is used twice, by port at n.conf:1:7 and http_port at n.conf:2:7; …"],
        "port: 9222\nhttp: 9222",
    ),
    Row("-t -a 127.0.0.1 -p 9222 -c n.conf", VALID, (), 'http: "127.0.0.2:9222"'),
    Row(
        "-t -c n.conf",
        FAILED,
        [
            "n.conf:1:18: error parsing X509 certificate/key pair: open /nope/c.pem: no such file…",
            "n.conf:1:43: error parsing X509 certificate/key pair: open /nope/k.pem: no such file…",
            "n.conf:1:67: open /nope/a.pem: no such file or directory",
        ],
        'tls { cert_file: "/nope/c.pem", key_file: "/nope/k.pem", ca_file: "/nope/a.pem" }',
    ),
    Row(
        "-t -c n.conf",
        FAILED,
        ["n.conf:1:40: error parsing X509 certificate/key pair: …does not belong to the certificate…"],
        "tls { cert_file: $CERT,      key_file: $UNTRUSTED }",
    ),
    Row(
        "-t -c n.conf",
        FAILED,
        ["n.conf:2:11: failed to parse root ca certificate: …it contains none in PEM form"],
        f"tls {{ {CERT}\n ca_file: $KEY }}",
    ),
    Row(
        "-t -c n.conf",
        FAILED,
        [
            "n.conf:1:37: error parsing X509 certificate/key pair: open c: no such file…",
            "n.conf:1:50: …open k: …",
        ],
        "cluster { port: -1, tls { cert_file: c, key_file: k } }".replace(
            "port: -1, tls { ", "port: -1,tls { "
        ),
    ),
    Row("-t -c n.conf", VALID, (), f"tls {{ {CERT}, ca_file: $CA, verify: true }}\nhttps: -1"),
    Row("-t -l /nope/x", FAILED, ["error opening file: open /nope/x: no such file or directory"]),
    Row("-t -P /nope/x", FAILED, ["Could not write pidfile: open /nope/x: no such file or directory"]),
    Row("-t -P .", FAILED, ["Could not write pidfile: open .: is a directory"]),
    Row("-t -r foo://h:1", FAILED, ['error invalid network type: "foo"; …']),
    Row(
        "-t -r unix:///nope",
        FAILED,
        ['error connecting to syslog: "unix:///nope: no such file or directory"'],
    ),
    Row(
        "-t -c n.conf",
        FAILED,
        ["n.conf:1:32: authenticator 'doorkeeper_nobody_has:check': there is no module …"],
        'authorization { authenticator: "doorkeeper_nobody_has:check" }',
    ),
    Row("-t -a 192.0.2.1 -p -1", FAILED, ["cannot listen for clients on 192.0.2.1:-1: …"]),
    Row("-t -c nope.conf", FAILED, ["error opening config file: open nope.conf: no such file or directory"]),
    Row(
        "-t -c nope.conf -p 99999 -l /nope/x",
        FAILED,
        ["error opening config file: …", "error opening file: open /nope/x: …", "port must be at most 65535"],
    ),
]

AT_ONCE = [
    Row("-t -p 4333 -c n.conf", FAILED, ["n.conf:1:7: port must be a whole number"], 'port: "abc"'),
    Row(
        "-t -c n.conf -m 99999",
        FAILED,
        [
            "n.conf:1:7: port must be a whole number",
            "n.conf:2:16: Parse error: expected the end of the line, found text",
            'n.conf:3:1: unknown key "prot"',
            "n.conf:4:11: error opening file: open /nope/x: no such file or directory",
            "http_port must be at most 65535",
        ],
        'port: "abc"\nmax_payload: 1 2\nprot: 3\nlog_file: "/nope/x"',
    ),
    Row(
        "-t -m 99999 -c n.conf",
        FAILED,
        ['n.conf:1:1: unknown key "prot"', "n.conf:2:…: Parse error: unclosed '{'…", "http_port…"],
        "prot: 3\ncluster {",
    ),
    Row(
        "-t -c n.conf",
        FAILED,
        ["n.conf:1:19: Parse error: expected the end of the line, ',' or '}', found text"],
        "tls { cert_file: c d, key_file: k }".replace("cert_file: c d", "key_file: k l").replace(
            ", key_file: k", ""
        ),
    ),
    Row(
        "-t -c n.conf",
        FAILED,
        ["n.conf:2:10: Parse error: expected the end of the line, found text"],
        "N: 4333\nport: $N $N",
    ),
    Row(
        "-t -c n.conf",
        FAILED,
        ["n.conf:2:14: max_pending_size (1048576) is too small for one message of max_payload …"],
        "max_payload: 20mb\nmax_pending: 1mb",
    ),
    Row("-t -c n.conf", VALID, (), "max_payload: 24mb\nslow_consumer: hold"),
    Row(
        "-t -c n.conf", FAILED, ["n.conf:1:16: slow_consumer must be 'cut' or 'hold'"], "slow_consumer: drop"
    ),
    Row(
        "-t -c n.conf",
        FAILED,
        ['n.conf:1:31: error parsing route url ["nats-route://u:[REDACTED]@h:1"]: two hexadecimal digits …'],
        "cluster { port: -1, routes: [ nats-route://u:p%ss@h:1 ] }",
    ),
    Row(
        "-t --cluster nats://u:p%zz@h:1 --routes h",
        FAILED,
        [
            "error parsing cluster url …: two hexadecimal digits must follow a %; …",
            'error parsing route url ["h"]',
        ],
    ),
]

ROWS = [*STRAY, *TWICE, *IDLE, *NOTHING, *STARTS, *AT_ONCE]


@pytest.fixture(name="_world")
def _prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of its own, and the names of good certificates in the environment."""
    made = certificates()
    monkeypatch.chdir(tmp_path)
    for variable in ("DATA_PLANE", "PYNATSD_DATA_PLANE"):
        monkeypatch.delenv(variable, raising=False)
    for name, file in (
        ("CERT", made.server.cert_file),
        ("KEY", made.server.key_file),
        ("UNTRUSTED", made.untrusted_client.key_file),
        ("CA", made.authority.ca_file),
    ):
        monkeypatch.setenv(name, f'"{file}"')


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.words} {row.files}"[:70])
@pytest.mark.usefixtures("_world")
def test_each_has_its_answer(row: Row, capsys: pytest.CaptureFixture[str]) -> None:
    """Each mistake, and each thing without effect, is one line, and the exit status says which it was."""
    texts = [row.files] if isinstance(row.files, str) else list(row.files)
    for name, text in zip(("n.conf", "inner.conf"), texts, strict=False):
        Path(name).write_text(text, "utf-8")

    status = run_command(row.words.split(" "), {})

    output, errors = capsys.readouterr()
    assert row.status == status, errors
    assert len(row.lines) == len(errors.splitlines()), errors
    for expected, line in zip(row.lines, errors.splitlines(), strict=True):
        assert re.fullmatch(re.escape(expected).replace("…", ".*"), line), errors
    assert bool(output) is (status == VALID)


def test_there_are_many_rows() -> None:
    """The table covers the whole kind."""
    assert len(ROWS) >= 40


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["true"], 'unexpected argument "true": give a server with -s, its port with -m; see --help'),
        (
            ["-k", "true"],
            'unexpected argument "true": write -k=true; see --help',
        ),
        (["--sorted", "cid"], "flag provided but not defined: -sorted; did you mean --sort? See --help"),
    ],
)
def test_the_board(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The board for the terminal answers in the same way."""
    assert MISUSED == top.main(words)
    assert ("", f"{line}\n") == capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["secret"],
            "unexpected argument: a password is read from standard input, with -p; see --help",
        ),
        (
            ["-p", "true"],
            "unexpected argument: write -p=true; see --help",
        ),
        (["-C", "5"], "flag provided but not defined: -C; did you mean -c? See --help"),
    ],
)
def test_the_maker_of_passwords(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """So does the tool that makes passwords."""
    assert MISUSED == mkpasswd.main(words)
    assert ("", f"{line}\n") == capsys.readouterr()


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"DATA_PLANE": "warp"}, "unknown data plane 'warp': choose auto, native or python"),
        ({"PYNATSD_DATA_PLANE": "python", "DATA_PLANE": "warp"}, ""),
        ({"PYNATSD_DATA_PLANE": "", "DATA_PLANE": ""}, ""),
    ],
)
@pytest.mark.usefixtures("_world")
def test_variables(
    variables: dict[str, str], line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A data plane that does not exist is a mistake; a variable with the program's name counts first."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    status = run_command(["-t", "-p", "-1"], {})

    assert (int(bool(line)), line) == (status, capsys.readouterr().err.strip())


def test_a_start_logs_the_same(tmp_path: Path) -> None:
    """What a check says of things without effect is in the log of a start, and nothing of what is off."""
    file = tmp_path / "n.conf"
    file.write_text(
        "prof_port: 0\nmax_payload: 24mb\ncluster { no_advertise: yes }\ndebug: no\ndebug: no\n", "utf-8"
    )

    with ServerProcess("-c", str(file), "--tlscert", "/nope/c.pem") as server:
        assert 0 == server.stop()

    assert f"[ERR] {file}:3:25: cluster.no_advertise has no effect without a cluster" in server.log
    assert f'[ERR] {file}:5:1: "debug" is given twice, first at {file}:4:1; the last one counts' in server.log
    assert "[ERR] --tlscert has no effect without --tls: connections are not encrypted" in server.log
    assert re.search(r"\[INF\] max_pending_size is \d+ bytes, so that one message of max_payload", server.log)
    assert "profil" not in server.log
