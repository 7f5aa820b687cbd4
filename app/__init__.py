"""A messaging server for NATS clients, written in Python."""

__version__ = "0.1.0"
