"""A connection, its session with a client, and the flow control between connections."""
