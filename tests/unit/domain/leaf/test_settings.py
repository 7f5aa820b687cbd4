"""Settings of leaf nodes show no secret."""

from app.domain.leaf.settings import GLOBAL, LeafLogin, LeafRemoteSettings


def test_a_login_shows_no_secret() -> None:
    """A line of a log with a login in it gives nothing away but names."""
    login = LeafLogin("anna", "s3cret", "t0ken", "j.w.t", "UPUBLIC", "s1gned")

    assert "anna" in repr(login)
    assert not any(secret in repr(login) for secret in ("s3cret", "t0ken", "j.w.t", "s1gned"))


def test_a_remote_joins_the_one_account_by_default() -> None:
    """Without more, everything is shared with the hub."""
    remote = LeafRemoteSettings(())

    assert remote.account == GLOBAL
    assert remote.deny_imports == remote.deny_exports == ()
