"""A terminal view of a server, read from its monitoring port.

It is a separate program that uses only HTTP, so it works with any NATS server that
answers ``/varz`` and ``/connz`` (monitoring-pages.md, section 9.1).
"""
