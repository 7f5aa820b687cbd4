"""How many files and sockets this process may have open."""

import resource

PLENTY = 10_000
"""More than clients can take while a server starts."""


def allow_many_descriptors() -> None:
    """Raise the soft limit of open files to the hard one: each connection takes one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def are_descriptors_plenty() -> bool:
    """Whether clients that come in now leave enough of them for all that starts meanwhile."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft == resource.RLIM_INFINITY or soft >= PLENTY
