"""Hooks: calling the operator's code, and loading it."""
