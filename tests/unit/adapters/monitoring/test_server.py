"""What ends the links of the pages."""

import asyncio

from app.adapters.monitoring.server import abort


class Link(asyncio.WriteTransport):
    """A link that can be aborted."""

    aborted = False

    def abort(self) -> None:
        """Note it."""
        self.aborted = True


class ForgottenLink(asyncio.WriteTransport):
    """A link over TLS that was closed twice, as Python 3.11.2 has it."""

    asked = False

    def abort(self) -> None:
        """There is nothing left that could be aborted."""
        self.asked = True
        raise AttributeError("'NoneType' object has no attribute '_abort'")


def test_a_link_is_aborted() -> None:
    """It ends, whatever is pending."""
    link = Link()

    abort(link)

    assert link.aborted


def test_a_link_that_is_forgotten() -> None:
    """One that ends by itself keeps no server from stopping."""
    link = ForgottenLink()

    abort(link)

    assert link.asked
