"""Configured users and their permissions, for questions without a connection."""

from collections.abc import Mapping
from dataclasses import field

from ..protocol.quoting import quoted_text
from ..value_object import value_object
from .rules import Permissions


class UnknownUser(LookupError):
    """The text says why nothing is known of a user, in one line."""


@value_object
class ConfiguredUsers:
    """Permissions by user or public nkey; None for a user that may do everything.

    The empty name is a client without credentials, if such clients are let in.
    """

    permissions: Mapping[str, Permissions | None] = field(default_factory=dict)
    login_required: bool = True
    """False where every client is let in, and may do everything, whatever name it gives."""
    external: bool = False
    """Whether an authenticator of the operator's own decides who the users are."""

    def find(self, user: str) -> Permissions | None:
        """The permissions of a user. Raises `UnknownUser`."""
        if user in self.permissions:
            return self.permissions[user]
        if self.external:
            raise UnknownUser("only the authenticator knows the users; ask about a connection, by its cid")
        if not self.login_required:
            return None
        raise UnknownUser(f"user {quoted_text(user)} is not in the configuration")
