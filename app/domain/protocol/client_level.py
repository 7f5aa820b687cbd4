"""Client level: the version in INFO, by which clients decide which features to use.

It is the newest one whose every feature that a client can see works here, those of JetStream where it is
on. A test for each feature holds it; raise the version when the features of the next one are here.
"""

CLIENT_LEVEL = "2.14.0"
"""In INFO with `Compatibility.CURRENT`. What 2.15 adds is for servers that copy from each other.

`xkey` is for authorization services, not for clients.
"""
