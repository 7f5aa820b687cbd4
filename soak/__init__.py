"""A soak: mixed load against one server for minutes, and what it costs as time goes by.

``make soak`` runs it. Everything listens on the loopback, on free ports.
"""
