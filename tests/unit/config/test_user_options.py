"""Users in a configuration; logins are in `test_options_authorization`."""

import pytest

from app.config.errors import ConfigError
from app.config.options import make_options
from app.config.user_options import distinct_users
from app.domain.rates import PublishRate
from app.entrypoints.settings import anonymous, auth_settings


def test_publish_rates() -> None:
    """A user with one of both has a rate; 0 is no limit, and less than that an error."""
    users = [
        {"user": "a", "password": "p", "publish_rate": 5},
        {"user": "b", "password": "p", "publish_bytes_rate": 7},
        {"user": "c", "password": "p"},
    ]
    options = make_options({"authorization": {"users": users, "login_rate_limit": 3}, "no_auth_user": "a"})
    settings = auth_settings(options)

    assert {"a": PublishRate(messages=5), "b": PublishRate(payload=7)} == settings.publish_rates
    assert 3 == settings.logins_per_second
    assert PublishRate(messages=5) in {each.publish_rate for each in anonymous(options).values()}
    with pytest.raises(ConfigError):
        make_options({"authorization": {"users": [{"user": "a", "publish_rate": -1}]}})


def test_no_users_are_distinct() -> None:
    """Where no users are asked for there is nothing to check."""
    assert distinct_users(None) is None
