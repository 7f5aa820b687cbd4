"""Unit tests of the server's flags."""

import pytest

from app.config.flags import BLOCKS, Request, parse, usage
from app.config.go_flags import UsageError, Value
from app.config.options import Options, make_options

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
        (["--log_format", "json"], {"log_format": "json"}),
        (["-p", "1", "-D", "-p", "2"], {"port": 2, "debug": True}),
        (["-DV", "-D=false"], {"debug": False, "trace": True}),
        (["-v=false", "-D"], {"debug": True}),
        (["-h=false", "-D"], {"debug": True}),
        (["-D", "word", "-V"], {"debug": True}),
        (["--", "-V"], {}),
    ],
)
def test_options_that_are_given(words: list[str], given: dict[str, Value]) -> None:
    """The result holds what was given explicitly and nothing else; the last value counts."""
    assert given == parse(words)


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        (["-v"], Request.VERSION),
        (["--version"], Request.VERSION),
        (["-D", "version"], Request.VERSION),
        (["word", "VERSION"], Request.VERSION),
        (["--", "Version"], Request.VERSION),
        (["-v=false", "version"], Request.VERSION),
        (["version", "help"], Request.VERSION),
        (["-v", "help"], Request.VERSION),
        (["-h"], Request.HELP),
        (["--help"], Request.HELP),
        (["x", "HELP", "version"], Request.HELP),
        (["-v", "-h"], Request.HELP),
        (["-h", "-nope"], Request.HELP),
    ],
)
def test_version_and_help(words: list[str], request_: Request) -> None:
    """Both are flags and words; the first word counts, and help before all that stands behind it."""
    assert request_ is parse(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-nope"], "flag provided but not defined: -nope"),
        (["-nope", "-h"], "flag provided but not defined: -nope"),
        (["-v", "-nope"], "flag provided but not defined: -nope"),
        (["-p"], "flag needs an argument: -p"),
        (["-p", "abc"], 'invalid value "abc" for flag -p: parse error'),
        (["-D=maybe"], 'invalid boolean value "maybe" for -D: parse error'),
        (["--log_format=xml"], 'invalid value "xml" for flag -log_format: must be text or json'),
    ],
)
def test_mistakes(words: list[str], message: str) -> None:
    """A mistake is refused in gnatsd's words."""
    with pytest.raises(UsageError) as raised:
        parse(words)

    assert message == str(raised.value)


def test_every_row_has_names_of_its_own() -> None:
    """No two flags share a name, and each one does something."""
    names = [name for flag in ROWS for name in flag.names]

    assert len(names) == len(set(names))
    assert all(bool(flag.sets) != bool(flag.asks) for flag in ROWS)


def test_every_row_sets_options_that_exist() -> None:
    """Whatever a flag gives, the options take."""
    for flag in ROWS:
        for option in flag.sets:
            default = Options.model_fields[option].default
            value = flag.read("text" if default is None else str(default))

            assert value == getattr(make_options({option: value}), option)


def test_the_help_text() -> None:
    """The help text has the blocks and columns of gnatsd, and lists what exists."""
    assert usage() == (
        """
Usage: pynatsd [options]

Server Options:
    -a, --addr HOST                  Bind to HOST address (default: 0.0.0.0)
    -p, --port PORT                  Use PORT for clients (default: 4222)

Logging Options:
    -l, --log FILE                   File to redirect log output
    -T, --logtime                    Timestamp log entries (default: true)
    -D, --debug                      Enable debugging output
    -V, --trace                      Trace the raw protocol
    -DV                              Debug and Trace
        --log_format FORMAT          Write log entries as text or json (default: text)

Common Options:
    -h, --help                       Show this message
    -v, --version                    Show version
"""
    )
