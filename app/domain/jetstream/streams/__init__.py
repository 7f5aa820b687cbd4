"""Streams: what they hold, what they accept, and what they remove."""
