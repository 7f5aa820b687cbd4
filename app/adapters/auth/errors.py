"""What can be wrong with the operator's choice of an authenticator."""


class AuthError(Exception):
    """No authenticator can be made; the text says what to do, and holds no secret."""
