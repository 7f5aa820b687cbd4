"""Consumers: cursors over a stream, and the messages that are not acknowledged yet."""
