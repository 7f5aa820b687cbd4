"""Code of an operator that decides about logins, subscriptions and messages (ADR 0047)."""
