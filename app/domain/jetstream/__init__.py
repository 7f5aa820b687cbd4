"""Streams, consumers and what clients build on them: JetStream on one server."""
