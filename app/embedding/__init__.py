"""Servers inside a program: what `pynatsd` offers to Python."""
