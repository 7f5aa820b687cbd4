"""Client level: the version in INFO, by which clients decide which features to use.

It is the newest one whose every feature that a client can see works here, those of JetStream where it is
on. A test for each feature holds it; raise the version when the features of the next one are here.
"""

CLIENT_LEVEL = "2.12.0"
"""In INFO with `Compatibility.CURRENT`. The next one, 2.14, has batches without an ack for each message
(`allow_batched`), and sources with consumers of their own.

`xkey` is for authorization services, not for clients.
"""
