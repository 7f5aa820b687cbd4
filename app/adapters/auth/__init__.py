"""Authenticators: none, users, a token, or the operator's own code.

`app.adapters.auth.setup` chooses one. Every failure to make one is an
`app.ports.authenticator.AuthError`.
"""
