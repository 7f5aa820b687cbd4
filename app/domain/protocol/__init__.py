"""Lines of the protocol, read and written, and the errors they can be answered with."""
