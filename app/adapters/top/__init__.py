"""A board for the terminal: what a server does, read from its monitoring port.

It is a client of its own and knows nothing of the broker, so it watches any NATS
server that answers ``/varz`` and ``/connz`` (monitoring.md, section 9.1).
"""
