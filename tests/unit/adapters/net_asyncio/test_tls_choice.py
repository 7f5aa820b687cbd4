"""Unit tests of the choice between TLS and clear text, in virtual time and without a socket."""

from collections.abc import Callable

import pytest

from app.adapters.net_asyncio.tls_choice import ChoiceTerms
from app.adapters.net_asyncio.tls_layer import REFUSAL
from app.domain.sessions.wire import Wire
from app.ports.layers import SETUPS
from tests.fakes.handler import ReceiveRoom, RecordingHandler
from tests.support.tls_link import TIMEOUT, TlsLink, TlsMemoryClient

INFO = b"INFO {}\r\n"
CONNECT = b"CONNECT {}\r\nPING\r\n"
WAIT = 0.3

OPTIONAL = ChoiceTerms(TIMEOUT, optional=True)
WAITING = ChoiceTerms(TIMEOUT, WAIT)
BOTH = ChoiceTerms(TIMEOUT, WAIT, optional=True)
ALL = pytest.mark.parametrize("terms", [OPTIONAL, WAITING, BOTH], ids=["optional", "waiting", "both"])


class Greeting(RecordingHandler):
    """Says INFO when it is made, as the broker does."""

    def __init__(self, wire: Wire, room: ReceiveRoom, on_change: Callable[[], None]) -> None:
        super().__init__(wire, room, on_change)
        wire.write(INFO)


class Refusing(Greeting):
    """Closes its link when it is made."""

    def __init__(self, wire: Wire, room: ReceiveRoom, on_change: Callable[[], None]) -> None:
        super().__init__(wire, room, on_change)
        wire.close()


def link_with(terms: ChoiceTerms) -> TlsLink:
    """A link whose client has yet to choose."""
    return TlsLink(Greeting, choice=terms)


@ALL
def test_a_client_that_begins_a_handshake(terms: ChoiceTerms) -> None:
    """It gets INFO once, before the handshake or inside TLS, and then TLS works as without the choice."""
    link, client = link_with(terms), TlsMemoryClient()
    clear = link.sent()

    link.receive(client.shake())
    link.receive(client.shake(link.sent()) + client.seal(CONNECT))
    inside = client.unseal(link.sent())

    assert [INFO, b""] == sorted((clear, inside), reverse=True)
    assert (clear == b"") == (terms.greet_after is not None)
    assert link.handler.open
    assert CONNECT == link.handler.data
    assert link.handler.wire.security is not None


@pytest.mark.parametrize("terms", [WAITING, BOTH], ids=["waiting", "both"])
def test_a_client_that_waits_for_info(terms: ChoiceTerms) -> None:
    """It gets INFO in clear text when the wait is over, and may begin a handshake then."""
    link, client = link_with(terms), TlsMemoryClient()
    link.clock.advance(WAIT - 0.001)
    early = link.sent()

    link.clock.advance(0.001)
    greeting = link.sent()
    link.shake_hands(client)

    assert (b"", INFO) == (early, greeting)
    assert link.handler.open
    assert link.handler.wire.security is not None


@pytest.mark.parametrize("terms", [OPTIONAL, BOTH], ids=["optional", "both"])
def test_a_client_without_tls(terms: ChoiceTerms) -> None:
    """Its first bytes are delivered, and no others are changed."""
    link = link_with(terms)

    link.receive(CONNECT)
    link.receive(b"PUB a 1\r\nx\r\n")
    link.handler.wire.write(b"PONG\r\n")

    assert INFO + b"PONG\r\n" == link.sent()
    assert link.handler.open
    assert link.handler.wire.security is None
    assert CONNECT + b"PUB a 1\r\nx\r\n" == link.handler.data
    assert [] == link.facts


def test_clear_text_where_tls_is_required() -> None:
    """A client that sends something else during the wait gets INFO and the refusal."""
    link = link_with(WAITING)

    link.receive(CONNECT)

    assert INFO + REFUSAL == link.sent()
    assert ["TLS handshake error: first record does not look like a TLS handshake"] == link.texts[1:]


def test_silence_where_tls_is_optional() -> None:
    """A client that says nothing in time is one without TLS: the time for its login begins."""
    link = link_with(OPTIONAL)
    link.clock.advance(TIMEOUT - 0.001)
    early = link.handler.open

    link.clock.advance(0.001)
    late = link.handler.open
    link.receive(CONNECT)

    assert (False, True) == (early, late)
    assert CONNECT == link.handler.data


def test_silence_where_tls_is_required() -> None:
    """After the wait and the time for a handshake the client is refused."""
    link = link_with(WAITING)

    link.clock.advance(WAIT)
    link.clock.advance(TIMEOUT)

    assert INFO + REFUSAL == link.sent()
    assert ["TLS handshake error: timeout"] == link.texts[1:]


@ALL
def test_half_a_handshake(terms: ChoiceTerms) -> None:
    """A client that stops within its handshake is given up without a word in clear text."""
    link = link_with(terms)
    link.sent()

    link.receive(TlsMemoryClient().shake()[:50])
    link.clock.advance(TIMEOUT)

    assert b"" == link.sent()
    assert link.texts[-1].endswith("timeout")
    assert "write_eof" in link.transport.requests


@ALL
def test_dripping_bytes(terms: ChoiceTerms) -> None:
    """A handshake that comes a byte at a time has no longer than one that stops."""
    link, hello = link_with(terms), TlsMemoryClient().shake()

    for value in hello[:10]:
        link.receive(bytes([value]))
        link.clock.advance(TIMEOUT / 10)

    assert link.texts[-1].endswith("timeout")


@ALL
@pytest.mark.parametrize("said", [b"", CONNECT, b"\x16\x03\x01"], ids=["silent", "clear", "half"])
def test_a_link_that_waits_is_counted_until_it_is_over(terms: ChoiceTerms, said: bytes) -> None:
    """However a link ends, its place among those in a handshake is free, and no timer is left."""
    link = link_with(terms)
    for _ in range(SETUPS - 1):
        link.setup.limit.enter()
    full_meanwhile = link.setup.limit.is_reached

    link.receive(said)
    link.lose()
    link.setup.limit.enter()
    full_after = link.setup.limit.is_reached
    link.clock.advance(60.0)

    assert (True, True) == (full_meanwhile, full_after)
    assert [] == link.failures


def test_an_end_of_file_before_the_choice() -> None:
    """A client that only ends its direction is one without TLS, if that is allowed."""
    link = link_with(OPTIONAL)

    link.layer.eof_received()

    assert link.handler.open
    assert ["eof_received"] == link.handler.calls


def test_an_end_of_file_where_tls_is_required() -> None:
    """A client that ends without a word gets nothing."""
    link = link_with(WAITING)

    stays = link.layer.eof_received()
    link.lose()

    assert not stays
    assert b"" == link.sent()


def test_input_of_a_paused_link_waits() -> None:
    """A handler that pauses at once gets what came in, and the end of file, when it resumes."""
    link = link_with(OPTIONAL)
    link.handler.wire.pause()

    link.receive(CONNECT)
    half_open = link.layer.eof_received()
    before = bytes(link.handler.data)
    link.handler.wire.resume()
    link.clock.run_pending()

    assert half_open
    assert b"" == before
    assert CONNECT == link.handler.data
    assert "eof_received" in link.handler.calls


def test_a_paused_link_reads_on() -> None:
    """In clear text a pause and its end are those of the transport."""
    link = link_with(OPTIONAL)
    link.receive(CONNECT)

    link.handler.wire.pause()
    paused = not link.transport.reading
    link.handler.wire.resume()
    link.clock.run_pending()

    assert paused
    assert link.transport.reading


def test_a_client_that_was_turned_away() -> None:
    """A link that was refused at once waits for no choice."""
    link = TlsLink(Refusing, choice=OPTIONAL)

    greeting = link.sent()
    link.receive(CONNECT)
    link.clock.advance(60.0)

    assert INFO == greeting
    assert not link.handler.open
    assert "write_eof" in link.transport.requests


def test_a_client_that_is_turned_away_after_the_wait() -> None:
    """The same for one that gets its answer when the wait is over."""
    link = TlsLink(Refusing, choice=BOTH)

    link.clock.advance(WAIT)
    link.receive(CONNECT)
    link.clock.advance(60.0)

    assert not link.handler.open


def test_a_defect_ends_the_link() -> None:
    """An error in the choice aborts the one link, and is reported."""
    link = link_with(BOTH)
    defect = RuntimeError("defect")

    link.layer.fail(defect)
    link.clock.advance(60.0)

    assert [defect] == link.failures
    assert "abort" in link.transport.requests


def test_nothing_is_kept_of_a_link() -> None:
    """What is held is dropped with the link; a resumption that was under way does nothing."""
    link = link_with(OPTIONAL)
    link.handler.wire.pause()
    link.receive(CONNECT)

    link.handler.wire.resume()
    link.lose()

    assert [] == link.failures


def test_an_end_of_file_during_the_wait() -> None:
    """A client that ends its direction before INFO gets INFO, if it may go without TLS."""
    link = link_with(BOTH)

    link.layer.eof_received()

    assert INFO == link.sent()
    assert link.handler.open


def test_a_link_that_ends_before_the_choice() -> None:
    """A link that we end meanwhile is not opened when the time is over."""
    link = link_with(OPTIONAL)
    link.handler.wire.close()

    link.clock.advance(TIMEOUT)

    assert not link.handler.open
    assert [] == link.failures


def test_a_pause_within_what_is_held() -> None:
    """A handler that pauses while it gets the first bytes gets the rest when it resumes, in order."""

    class Pausing(Greeting):
        def _note(self, call: str) -> None:
            super()._note(call)
            if call == "received":
                self.wire.pause()

    link, data = TlsLink(Pausing, choice=OPTIONAL), bytes(range(1, 256)) * 200
    link.receive(b"!" + data)
    link.layer.eof_received()
    steps = 0
    while "eof_received" not in link.handler.calls and steps < 100:
        steps += 1
        link.handler.wire.resume()
        link.clock.run_pending()

    assert b"!" + data == link.handler.data
    assert link.handler.calls.index("eof_received") == len(link.handler.calls) - 1
