"""Unit tests of the server's flags."""

import pytest

from app.config.document import Block
from app.config.flag_syntax import UsageError, Value
from app.config.flags import BLOCKS, CONFIG_FILE, SHELL, CommandLine, Request, flag_name, parse
from app.config.load import put_flags
from app.config.options import Options
from app.config.sections.section import Section, inner_section

ROWS = [flag for block in BLOCKS.values() for flag in block]


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ([], {}),
        (["-a", "::1"], {"host": "::1"}),
        (["--addr=h"], {"host": "h"}),
        (["-net", "h"], {"host": "h"}),
        (["-p", "5222"], {"port": 5222}),
        (["--port", "-1"], {"port": -1}),
        (["-p", "0x10"], {"port": 16}),
        (["-P", "f"], {"pid_file": "f"}),
        (["--ports_file_dir", "d"], {"ports_file_dir": "d"}),
        (["--pid=f"], {"pid_file": "f"}),
        (["-m", "8222"], {"http_port": 8222}),
        (["-ms", "8223"], {"https_port": 8223}),
        (["-c", "f"], {CONFIG_FILE: "f"}),
        (["-config", "f"], {CONFIG_FILE: "f"}),
        (["-D"], {"debug": True}),
        (["--debug=false"], {"debug": False}),
        (["-V"], {"trace": True}),
        (["-trace"], {"trace": True}),
        (["-DV"], {"debug": True, "trace": True}),
        (["-T"], {"logtime": True}),
        (["-T=0"], {"logtime": False}),
        (["--logtime=F"], {"logtime": False}),
        (["-l", "x.log"], {"log_file": "x.log"}),
        (["--log=x.log"], {"log_file": "x.log"}),
        (["-s"], {"syslog": True}),
        (["-r", "udp://h:1"], {"remote_syslog": "udp://h:1"}),
        (["--log_format", "json"], {"log_format": "json"}),
        (["--user", "u", "--pass", "p"], {"authorization.user": "u", "authorization.password": "p"}),
        (["--auth", "t"], {"authorization.token": "t"}),
        (["--tls", "--tlsverify=false"], {"tls": True, "tls.verify": False}),
        (["--routes", "a, b"], {"cluster.routes": "a, b"}),
        (["-cluster", "u"], {"cluster.listen": "u"}),
        (["-cluster_listen", "u"], {"cluster.listen": "u"}),
        (["-p", "1", "-D", "-p", "2"], {"port": 2, "debug": True}),
        (["-DV", "-D=false"], {"debug": False, "trace": True}),
        (["-v=false", "-D"], {"debug": True}),
        (["-h=false", "-t=false", "-D"], {"debug": True}),
        (["-D=true", "-V=T"], {"debug": True, "trace": True}),
        (["-V", "--"], {"trace": True}),
    ],
)
def test_options_that_are_given(words: list[str], given: dict[str, Value]) -> None:
    """The result holds what was given explicitly and nothing else; the last value counts."""
    assert CommandLine(given) == parse(words)


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        (["-v"], Request.VERSION),
        (["--version"], Request.VERSION),
        (["-D", "version"], Request.VERSION),
        (["--", "Version"], Request.VERSION),
        (["-v=false", "version"], Request.VERSION),
        (["version", "help"], Request.VERSION),
        (["-v", "help"], Request.VERSION),
        (["-t", "-v"], Request.VERSION),
        (["-h"], Request.HELP),
        (["--help"], Request.HELP),
        (["HELP", "version"], Request.HELP),
        (["-h", "x"], Request.HELP),
        (["-v", "-h"], Request.HELP),
        (["-h", "-nope"], Request.HELP),
        (["--help_tls"], Request.TLS_HELP),
        (["-help_tls", "help"], Request.TLS_HELP),
        (["--completion", "bash"], Request.COMPLETION),
        (["-t"], Request.CHECK),
        (["--check", "help"], Request.HELP),
    ],
)
def test_requests(words: list[str], request_: Request) -> None:
    """Version and help are flags and words; help counts before all that follows it, a check last."""
    assert request_ is parse(words).asks


def test_a_check_keeps_the_options() -> None:
    """A check is about the options that are given with it."""
    assert CommandLine({"port": 1}, Request.CHECK) == parse(["-t", "-p", "1"])


def test_the_shell_is_known() -> None:
    """A completion is for the shell that is named."""
    assert {SHELL: "zsh"} == parse(["--completion=zsh"]).given


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-nope"], "flag provided but not defined: -nope; see --help"),
        (["-nope", "-h"], "flag provided but not defined: -nope; see --help"),
        (["-v", "-nope"], "flag provided but not defined: -nope; see --help"),
        (["--confg", "f"], "flag provided but not defined: -confg; did you mean --config? See --help"),
        (
            ["--http-port=1"],
            "flag provided but not defined: -http-port; did you mean --http_port? See --help",
        ),
        (["-d"], "flag provided but not defined: -d; did you mean -D? See --help"),
        (["auth.conf"], 'unexpected argument "auth.conf": give a file with -c; see --help'),
        (["-t", "a b"], 'unexpected argument "a b": give a file with -c; see --help'),
        (["", "-D"], 'unexpected argument "": give a file with -c; see --help'),
        (
            ["-D", "true"],
            'unexpected argument "true": write -D=true; see --help',
        ),
        (
            ["--tls", "F"],
            'unexpected argument "F": write --tls=F; see --help',
        ),
        (["-p", "1", "true"], 'unexpected argument "true": give a file with -c; see --help'),
        (["-D", "version", "true"], 'unexpected argument "true": give a file with -c; see --help'),
        (["x" * 100], f'unexpected argument "{"x" * 60}…": give a file with -c; see --help'),
        (
            ["-c", ""],
            'invalid value "" for flag -c: the file name is empty: name a file, or leave the flag out',
        ),
        (["-c", "a", "-c", "b"], "-c is given twice: only one file is read, which may include others"),
        (["--", "-V"], 'unexpected argument "-V": give a file with -c; see --help'),
        (["-p"], "flag needs an argument: -p"),
        (["-p", "abc"], 'invalid value "abc" for flag -p: parse error'),
        (["-D=maybe"], 'invalid boolean value "maybe" for -D: parse error'),
        (["--log_format=xml"], 'invalid value "xml" for flag -log_format: must be text or json'),
        (["--completion", "tcsh"], 'invalid value "tcsh" for flag -completion: must be bash or zsh or fish'),
    ],
)
def test_mistakes(words: list[str], message: str) -> None:
    """A mistake is one line that names it, says what may have been meant, and holds nothing else."""
    with pytest.raises(UsageError) as raised:
        parse(words)

    assert message == str(raised.value)


@pytest.mark.parametrize(
    ("words", "notice"),
    [
        (["-p", "1", "--port=2"], "--port is given twice; the last one counts"),
        (["--auth", "a", "-auth", "b", "-auth", "c"], "--auth is given twice; the last one counts"),
        (
            ["--pass", "--tls"],
            "--pass has taken the next flag as its value; write --pass=… if that is intended",
        ),
    ],
)
def test_probable_slips(words: list[str], notice: str) -> None:
    """What is probably a slip is understood, and noticed."""
    assert (notice,) == parse(words).notices


@pytest.mark.parametrize(
    "words", [["-p", "1", "-p", "1"], ["-DV", "-D=false"], ["--pass=--tls"], ["-p", "-1"]]
)
def test_no_slips(words: list[str]) -> None:
    """What says the same twice, or was clearly meant, is not worth a line."""
    assert () == parse(words).notices


@pytest.mark.parametrize(
    ("option", "name"),
    [("port", "--port"), ("tls.cert_file", "--tlscert"), ("cluster.listen", "--cluster"), ("ping_max", "")],
)
def test_flags_of_options(option: str, name: str) -> None:
    """An option that a flag sets is called by the longest name of that flag."""
    assert name == flag_name(option)


def test_every_row_has_names_of_its_own() -> None:
    """No two flags share a name, and each one does something."""
    names = [name for flag in ROWS for name in flag.names]

    assert len(names) == len(set(names))
    assert all(flag.sets or flag.asks for flag in ROWS)


def test_every_row_sets_options_that_exist() -> None:
    """Whatever a flag gives leads to a field of the options."""
    given = [name for flag in ROWS for name in flag.sets if name not in (CONFIG_FILE, SHELL)]
    file = Block.of({"tls": {}, "cluster": {"port": 1}})
    values, _ = put_flags(dict.fromkeys(given, "nats://h:1"), file)

    def unknown(values: object, section: type[Section] | None) -> list[str]:
        assert isinstance(values, dict)
        assert section is not None
        fields = section.model_fields
        found = [name for name in values if name not in fields]
        for name, value in values.items():
            if isinstance(value, dict):
                found += unknown(value, inner_section(fields[name]))
        return found

    assert [] == unknown(values.plain(), Options)


@pytest.mark.parametrize(
    "words",
    [
        ["--pass", "my", "s3cret"],
        ["-D", "--auth", "my", "s3cret", "more"],
        ["--user", "derek", "s3cret"],
        ["--routes", "nats://u:p", "s3cret@h:1"],
        ["nats://u:s3cret@h:1"],
    ],
)
def test_a_stray_word_that_may_be_a_secret_is_not_shown(words: list[str]) -> None:
    """A word after a flag with a credential may be a part of it; a password in a URL is one."""
    with pytest.raises(UsageError, match=r"^unexpected argument.*; see --help$") as raised:
        parse(words)

    assert "s3cret" not in str(raised.value)


def test_where_a_hidden_word_is() -> None:
    """The line names the flag that the word follows, and what to do."""
    with pytest.raises(UsageError) as raised:
        parse(["--pass", "my", "s3cret"])

    assert (
        "unexpected argument: it follows --pass and may be a secret; "
        "quote a value that has spaces; see --help"
    ) == str(raised.value)


def test_secrets_are_not_shown() -> None:
    """A command line can be logged without its values."""
    assert "s3cret" not in repr(parse(["--pass", "s3cret"]))
