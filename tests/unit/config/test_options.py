"""Unit tests of the options and their defaults."""

import pytest
from pydantic import ValidationError

from app.config.options import LARGEST, Options, OptionsError, make_options
from app.domain.limits import Limits


def test_the_defaults_are_gnatsds() -> None:
    """A server that is told nothing behaves like gnatsd started without flags."""
    assert {
        "host": "0.0.0.0",  # noqa: S104 - nothing listens
        "port": 4222,
        "debug": False,
        "trace": False,
        "logtime": True,
        "log_file": None,
        "log_format": "text",
        "max_connections": 65_536,
        "max_control_line": 1024,
        "max_payload": 1_048_576,
        "max_pending_size": 10_485_760,
        "ping_interval": 120.0,
        "ping_max": 2,
        "write_deadline": 2.0,
        "auth_timeout": 1.0,
    } == make_options({}).model_dump()


def test_the_domain_has_the_same_defaults() -> None:
    """Limits made without options are those of the default options."""
    options = make_options({})

    assert Limits() == Limits(
        max_connections=options.max_connections,
        max_control_line=options.max_control_line,
        max_payload=options.max_payload,
        max_pending=options.max_pending_size,
        ping_interval=options.ping_interval,
        ping_max=options.ping_max,
        write_deadline=options.write_deadline,
        auth_timeout=options.auth_timeout,
    )


@pytest.mark.parametrize("name", Options.model_fields)
def test_every_option_is_described(name: str) -> None:
    """Each option has one sentence; a size or a time names its unit."""
    field = Options.model_fields[name]
    description = field.description or ""

    assert description.endswith(".")
    if type(field.default) in (int, float) and name != "port":
        assert any(unit in description for unit in ("in bytes", "in seconds", "as a count"))


@pytest.mark.parametrize("port", [-1, 1, 4222, 65535])
def test_ports(port: int) -> None:
    """A port is a number of TCP, or -1 for any free one."""
    assert port == make_options({"port": port}).port


@pytest.mark.parametrize("name", [name for name, field in Options.model_fields.items() if field.default])
def test_zero_means_the_default(name: str) -> None:
    """Zero and the empty string stand for the default, except that a boolean is what it is."""
    default = Options.model_fields[name].default

    if default is True:
        assert make_options({name: False}).logtime is False
    else:
        empty = "" if isinstance(default, str) else 0
        assert default == getattr(make_options({name: empty}), name)


def test_an_empty_log_file_is_none() -> None:
    """An empty file name is no file, as for every text."""
    assert make_options({"log_file": ""}).log_file is None


def test_whole_seconds_are_seconds() -> None:
    """A time may be given without a fraction."""
    assert 3.0 == make_options({"ping_interval": 3}).ping_interval


def test_a_payload_without_limit() -> None:
    """A negative payload limit is kept: it means none."""
    assert -1 == make_options({"max_payload": -1}).max_payload


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("port", -2, "greater than or equal to -1"),
        ("port", 65536, "less than or equal to 65535"),
        ("port", "4222", "valid integer"),
        ("port", "", "valid integer"),
        ("port", True, "valid integer"),
        ("host", 0, "valid string"),
        ("debug", 0, "valid boolean"),
        ("log_format", "xml", "'text' or 'json'"),
        ("max_payload", LARGEST + 1, "less than or equal to 9223372036854775807"),
        ("max_payload", 1.5, "valid integer"),
        ("max_connections", -1, "greater than or equal to 1"),
        ("max_control_line", -1, "greater than or equal to 1"),
        ("max_pending_size", -1, "greater than or equal to 1"),
        ("ping_max", -1, "greater than or equal to 1"),
        ("ping_interval", False, "valid number"),
        ("ping_interval", -1.0, "greater than 0"),
        ("write_deadline", float("inf"), "finite"),
        ("auth_timeout", float("nan"), "finite"),
        ("prt", 1, "not permitted"),
        ("prt", "", "not permitted"),
    ],
)
def test_a_bad_value_is_refused(name: str, value: object, reason: str) -> None:
    """The error names the option, says why, and does not repeat the value."""
    with pytest.raises(OptionsError, match=reason) as raised:
        make_options({name: value})

    assert name == raised.value.option
    assert str(raised.value).startswith(f"{name}: ")


def test_a_secret_is_not_repeated() -> None:
    """A refused value does not stand in the error: it may be a secret."""
    with pytest.raises(OptionsError) as raised:
        make_options({"password": "swordfish"})

    assert "swordfish" not in f"{raised.value} {raised.value.__cause__}"


def test_options_never_change() -> None:
    """Options can be read by everyone because nobody can alter them."""
    options = make_options({})

    with pytest.raises(ValidationError, match="frozen"):
        options.port = 1
