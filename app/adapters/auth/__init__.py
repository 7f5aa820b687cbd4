"""Authenticators: nobody asked, users, a token, or somebody else's code.

`app.adapters.auth.setup` chooses one. Errors: everything that makes a start
impossible is an `app.adapters.auth.errors.AuthError`.
"""
