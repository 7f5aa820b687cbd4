"""The comparison of classes with ports finds what is wrong."""

import pytest

from app.ports.monitor import Monitor
from tests.fakes.contracts import breaches


class Incomplete:
    """Lacks the ports, takes too little, and is not async where it should be."""

    async def listen(self) -> None:
        """As in the port."""

    def start(self) -> None:
        """Not async."""

    async def close(self, reason: str) -> None:
        """Has an argument more, which is allowed after those of the port."""


@pytest.mark.parametrize("name", ["ports: missing", "start: async"])
def test_breaches_are_found(name: str) -> None:
    """A missing member is found, and a method that is not async."""
    assert any(name in breach for breach in breaches(Monitor, Incomplete))


def test_methods_that_fit_are_no_breaches() -> None:
    """A method that fits is not named."""
    assert not any("listen" in breach for breach in breaches(Monitor, Incomplete))
