"""Unit tests of what options become for the adapters and the domain."""

from app.adapters.auth.plain import OpenDoor
from app.adapters.auth.setup import AuthSettings
from app.adapters.entropy import SeededEntropy
from app.adapters.logs.setup import LogSettings
from app.config.options import make_options
from app.domain.limits import Limits
from app.entrypoints.settings import auth_settings, limits, log_settings, server_info


def test_limits() -> None:
    """Each limit is the option of its name."""
    options = make_options(
        {
            "max_connections": 1,
            "max_control_line": 2,
            "max_payload": 3,
            "max_pending_size": 4,
            "ping_interval": 5,
            "ping_max": 6,
            "write_deadline": 7,
            "authorization": {"timeout": 8},
        }
    )

    assert Limits(1, 2, 3, 4, 5.0, 6, 7.0, 8.0) == limits(options)


def test_the_log() -> None:
    """Each choice about the log is handed on."""
    options = make_options(
        {
            "log_file": "f",
            "log_format": "json",
            "debug": True,
            "trace": True,
            "logtime": False,
            "syslog": True,
            "remote_syslog": "udp://h:1",
        }
    )

    assert LogSettings(
        log_file="f",
        json_lines=True,
        debug=True,
        trace=True,
        logtime=False,
        syslog=True,
        remote_syslog="udp://h:1",
    ) == log_settings(options)


def test_nobody_is_asked_by_default() -> None:
    """Without users, token and authenticator there is nobody to ask."""
    assert AuthSettings(max_waiting=65_536) == auth_settings(make_options({}))


def test_one_user() -> None:
    """A single user comes with the token, which the adapter weighs against it."""
    options = make_options({"authorization": {"user": "u", "password": "p", "token": "t"}})

    assert ({"u": "p"}, "t") == (auth_settings(options).users, auth_settings(options).token)


def test_several_users() -> None:
    """Several users have a password each, an empty one where none was given."""
    users = ({"user": "a", "password": "x"}, {"user": "b"})
    options = make_options({"authorization": {"users": users}, "max_connections": 9})

    assert {"a": "x", "b": ""} == auth_settings(options).users
    assert 9 == auth_settings(options).max_waiting


def test_an_authenticator_of_ones_own() -> None:
    """Its name and its time are handed on."""
    asked = {"authenticator": "m:f", "authenticator_timeout": "100ms"}
    settings = auth_settings(make_options({"authorization": asked}))

    assert ("m:f", 0.1) == (settings.authenticator, settings.authenticator_seconds)


def test_what_clients_are_told() -> None:
    """INFO names the address and the largest payload, and whether a login is needed."""
    options = make_options({"host": "h", "port": 7, "max_payload": 8})
    info = server_info(options, SeededEntropy(1), OpenDoor())

    assert ("0.8.0", "h", 7, 8, False) == (
        info.version,
        info.host,
        info.port,
        info.max_payload,
        info.auth_required,
    )
    assert SeededEntropy(1).identifier() == info.server_id
