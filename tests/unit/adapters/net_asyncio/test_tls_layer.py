"""A protected link between an event loop and a handler, in virtual time and without a socket."""

import gc
import ssl
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.net_asyncio.tls_layer import (
    CIPHERTEXT_BYTES,
    MOST_CIPHERTEXT,
    REFUSAL,
    REPLY_BYTES,
    SEAL_BYTES,
    TlsLayer,
)
from app.domain.security.certificate_key import key_pin
from app.domain.security.link_security import Security
from app.domain.sessions.wire import Wire
from app.ports.layers import SETUPS
from app.ports.transport import HIGH_WATER, LINGER_SECONDS
from tests.fakes.handler import ClosingHandler, FaultyHandler, ReceiveRoom, RecordingHandler
from tests.support.certificates import certificates
from tests.support.key_updates import KeyUpdates
from tests.support.tls_link import PEER, TIMEOUT, TlsLink, TlsMemoryClient, secure_link

INFO = b"INFO {}\r\n"


class Greeting(RecordingHandler):
    """Says INFO when it is made, as the broker does."""

    def __init__(self, wire: Wire, room: ReceiveRoom, on_change: Callable[[], None]) -> None:
        super().__init__(wire, room, on_change)
        wire.write(INFO)


# --- the handshake -----------------------------------------------------------------------


def test_a_client_is_greeted_in_clear_text() -> None:
    """The acceptor is called at once, what it writes goes out as it is, and the link is not open yet."""
    link = TlsLink(Greeting)

    assert link.sent() == INFO
    assert not link.handler.open
    assert link.handler.wire.security is None
    assert link.texts == ["Starting TLS client connection handshake"]


def test_a_handshake_opens_the_link() -> None:
    """After the handshake the handler may write, and knows how the link is protected."""
    link, client = TlsLink(Greeting), TlsMemoryClient()
    link.sent()

    link.shake_hands(client)
    link.handler.wire.write(b"PING\r\n")

    assert link.handler.open
    assert client.unseal(link.sent()) == b"PING\r\n"
    assert link.handler.wire.security == Security("1.3", "TLS_AES_256_GCM_SHA384")
    assert link.texts[1:] == [
        "TLS handshake complete",
        "TLS version 1.3, cipher suite TLS_AES_256_GCM_SHA384",
    ]
    assert {fact.link for fact in link.facts} == {link.handler.link}


@pytest.mark.parametrize("identify", [True, False])
def test_the_names_in_a_certificate(*, identify: bool) -> None:
    """Where they are asked for, the handler knows them after the handshake."""
    ours = certificates()
    link, client = TlsLink(verify=True, identify=identify), TlsMemoryClient(ours.client_context(ours.client))

    link.shake_hands(client)

    security = link.handler.wire.security
    assert security is not None
    names = security.certificate
    assert (("client@example.org",) if identify else None) == (None if names is None else names.emails)


def test_a_client_without_a_certificate() -> None:
    """There are no names where none was asked for."""
    link, client = TlsLink(identify=True), TlsMemoryClient()

    link.shake_hands(client)

    security = link.handler.wire.security
    assert security is not None
    assert security.certificate is None


def test_a_route_is_accepted_after_the_handshake() -> None:
    """Nobody is asked to serve a route, and nothing is sent to it, before the handshake is over."""
    link, client = TlsLink(Greeting, for_routes=True), TlsMemoryClient()
    accepted_before = len(link.acceptor.handlers)

    link.shake_hands(client)

    assert accepted_before == 0
    assert link.handler.open
    assert link.texts[0] == "Starting TLS route server handshake"


def test_a_route_hears_what_its_acceptor_wrote() -> None:
    """The first words of a route's handler are protected as all others."""
    link, client = TlsLink(Greeting, for_routes=True), TlsMemoryClient()
    link.receive(client.shake())
    link.receive(client.shake(link.sent()))

    assert client.unseal(link.sent()) == INFO


def test_what_is_written_during_the_handshake_waits() -> None:
    """The bytes are pending during the handshake, and arrive in order after it."""
    link, client = TlsLink(), TlsMemoryClient()
    hello = client.shake()

    link.handler.wire.write(b"one ")
    link.handler.wire.writelines([b"two ", b"three"])
    sent_before, pending_before = link.sent(), link.handler.wire.pending()
    link.receive(hello)
    link.receive(client.shake(link.sent()))

    assert (sent_before, pending_before) == (b"", 13)
    assert client.unseal(link.sent()) == b"one two three"


def test_a_lot_that_waited_for_the_handshake_is_announced_as_drained() -> None:
    """A handler that stopped at the high-water mark before the handshake gets `drained` after it."""
    link, client = TlsLink(), TlsMemoryClient()
    link.handler.wire.write(bytes(HIGH_WATER + 1))

    link.shake_hands(client)

    assert link.handler.calls == ["drained"]


def test_a_pause_before_the_handshake_is_kept() -> None:
    """The handshake goes on, and input that comes after it waits."""
    link, client = TlsLink(), TlsMemoryClient()
    link.handler.wire.pause()
    link.receive(client.shake())

    link.receive(client.shake(link.sent()) + client.seal(b"PING\r\n"))
    received_while_paused = bytes(link.handler.data)
    link.handler.wire.resume()
    link.clock.run_pending()

    assert link.handler.open
    assert received_while_paused == b""
    assert link.handler.data == b"PING\r\n"
    assert link.transport.reading


def test_bytes_after_the_handshake_are_received() -> None:
    """What a client sends together with the last of its handshake is not lost."""
    link, client = TlsLink(), TlsMemoryClient()
    link.receive(client.shake())

    link.receive(client.shake(link.sent()) + client.seal(b"CONNECT {}\r\n"))

    assert link.handler.data == b"CONNECT {}\r\n"


def test_no_more_is_read_while_a_step_waits_for_its_turn() -> None:
    """A peer that goes on sending meanwhile is held back, so that its bytes cannot pile up."""
    link, client = TlsLink(), TlsMemoryClient()
    hello = client.shake()
    link.layers.room[: len(hello)] = hello

    link.layer.buffer_updated(len(hello))
    reading_while_waiting = link.transport.reading
    link.clock.run_pending()

    assert not reading_while_waiting
    assert link.transport.reading


@pytest.mark.parametrize("ending", ["secure", "turned away", "connection_lost", "closed"])
def test_a_handshake_counts_until_it_is_over(ending: str) -> None:
    """However it ends, others may begin theirs; it is counted once."""
    link, client = TlsLink(), TlsMemoryClient()
    for _ in range(SETUPS - 1):
        link.setup.limit.enter()
    full_meanwhile = link.setup.limit.is_reached

    if ending == "secure":
        link.shake_hands(client)
    elif ending == "turned away":
        link.receive(b"CONNECT {}\r\n")
    elif ending == "closed":
        link.handler.wire.close()
    link.lose()
    link.setup.limit.enter()

    assert full_meanwhile
    assert link.setup.limit.is_reached


# --- handshakes that fail ------------------------------------------------------------------


def test_silence_is_turned_away() -> None:
    """A peer that sends nothing in time gets an error that asks for TLS, and the log gets one line."""
    link = TlsLink()

    link.clock.advance(TIMEOUT - 0.001)
    sent_before = link.sent()
    link.clock.advance(0.001)

    assert sent_before == b""
    assert link.sent() == REFUSAL
    assert link.transport.requests[-1] == "write_eof"
    assert link.texts[1:] == ["TLS handshake error: timeout"]
    assert link.facts[1].link == link.handler.link


def test_dripping_bytes_buy_no_time() -> None:
    """A peer that sends its handshake a byte at a time has no longer than one that sends nothing."""
    link, hello = TlsLink(), TlsMemoryClient().shake()

    for value in hello[:10]:
        link.receive(bytes([value]))
        link.clock.advance(TIMEOUT / 10)

    assert link.texts[1:] == ["TLS handshake error: timeout"]
    assert link.sent() == b""
    assert not link.handler.open


@pytest.mark.parametrize("length", [1, 5, 20])
@pytest.mark.parametrize("ending", ["silence", "end of file"])
def test_a_handshake_that_was_begun_gets_no_clear_text(length: int, ending: str) -> None:
    """However little of it has come, a library for TLS would take our line for a wrong version."""
    link = TlsLink(Greeting)
    link.sent()

    link.receive(TlsMemoryClient().shake()[:length])
    if ending == "silence":
        link.clock.advance(TIMEOUT)
    else:
        link.layer.eof_received()

    assert link.sent() == b""
    assert len(link.texts) == 2
    assert not link.handler.open


def test_time_that_a_peer_waits_for_us_is_not_held_against_it() -> None:
    """While a step waits for its turn no time runs; afterwards what was left does."""
    link, client = TlsLink(), TlsMemoryClient()
    hello = client.shake()
    link.clock.advance(TIMEOUT * 0.6)
    link.layers.room[: len(hello)] = hello
    link.layer.buffer_updated(len(hello))

    timers_while_waiting = link.clock.timers_outstanding
    link.clock.run_pending()
    link.clock.advance(TIMEOUT * 0.3)
    still_in_time = len(link.facts)
    link.clock.advance(TIMEOUT * 0.2)

    assert timers_while_waiting == 0
    assert still_in_time == 1
    assert link.texts[1:] == ["TLS handshake error: timeout"]


def test_a_peer_that_has_seen_tls_of_ours_gets_no_clear_text() -> None:
    """One that falls silent in the midst of the handshake just sees the end of the link."""
    link = TlsLink()
    link.receive(TlsMemoryClient().shake())
    link.sent()

    link.clock.advance(TIMEOUT)

    assert link.sent() == b""
    assert "write_eof" in link.transport.requests


def test_plain_text_is_turned_away_at_once() -> None:
    """A client without TLS gets an error that asks for TLS, and its input is discarded for a while."""
    link = TlsLink(Greeting)
    link.sent()

    link.receive(b'CONNECT {"verbose":false}\r\n')
    link.receive(b"PING\r\n")

    assert link.sent() == REFUSAL
    assert link.texts[1:] == ["TLS handshake error: first record does not look like a TLS handshake"]
    assert link.handler.calls == []
    assert not link.layer.eof_received()


def test_nonsense_in_the_handshake_is_answered_by_an_alert() -> None:
    """What begins like TLS and is none fails with OpenSSL's reason."""
    link = TlsLink()

    link.receive(b"\x16\x03\x01\x00\x05nonsense")

    assert link.sent()[:1] == b"\x15"
    assert link.texts[1].startswith("TLS handshake error: ")
    assert link.transport.requests[-1] == "write_eof"


def test_a_client_without_a_certificate_is_refused_where_one_is_required() -> None:
    """It gets an alert, and its handler nothing but the loss."""
    link, client = TlsLink(verify=True), TlsMemoryClient()
    link.receive(client.shake())

    link.receive(client.shake(link.sent()))
    link.lose()

    assert link.texts[1:] == ["TLS handshake error: peer did not return a certificate"]
    assert not link.handler.open
    assert link.handler.calls == ["connection_lost"]


@pytest.mark.parametrize("error", [None, ConnectionResetError("reset")])
def test_a_peer_that_leaves_during_the_handshake_is_one_line(error: Exception | None) -> None:
    """A peer that leaves before the end of the handshake is logged once."""
    link = TlsLink()

    if error is None:
        assert not link.layer.eof_received()
    link.lose(error)

    assert link.texts[1:] == [f"TLS handshake error: {error or 'EOF'}"]
    assert link.handler.losses == [error]


def test_a_failed_route_is_logged_with_its_address() -> None:
    """There is no handler yet whose link could be named."""
    link = TlsLink(for_routes=True)

    link.receive(b"CONNECT {}\r\n")

    assert link.sent() == REFUSAL
    assert link.facts[1].link is None
    assert link.texts[1:] == [
        f"TLS route handshake error: {PEER}: first record does not look like a TLS handshake"
    ]


def test_a_link_that_is_refused_in_the_greeting_needs_no_handshake() -> None:
    """The last line of an acceptor that ends the link goes out in clear text."""

    def refuse(wire: Wire, room: ReceiveRoom, on_change: Callable[[], None]) -> RecordingHandler:
        wire.write(b"-ERR 'Maximum Connections Exceeded'\r\n")
        wire.close()
        return RecordingHandler(wire, room, on_change)

    link = TlsLink(refuse)
    link.sent()
    link.receive(TlsMemoryClient().shake())
    link.clock.advance(LINGER_SECONDS)

    assert link.facts == []
    assert link.sent() == b""
    assert link.transport.requests[-1] == "close"


@pytest.mark.parametrize("for_routes", [True, False])
def test_a_defect_in_the_acceptor_ends_the_link(for_routes: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """It is reported, and the link is aborted."""

    def fail(*_: object) -> RecordingHandler:
        raise ZeroDivisionError

    link, client = TlsLink(fail, for_routes=for_routes), TlsMemoryClient()
    if for_routes:
        link.shake_hands(client)

    assert [type(failure) for failure in link.failures] == [ZeroDivisionError]
    assert link.transport.requests[-1] == "abort"


def test_a_link_closed_during_the_handshake_still_says_what_was_written() -> None:
    """The handshake goes on for as long as a closing link lingers, and the last line follows it."""
    link, client = TlsLink(), TlsMemoryClient()
    link.handler.wire.write(b"bye")
    link.handler.wire.close()

    link.receive(client.shake())
    link.receive(client.shake(link.sent()))
    said = link.sent()

    assert client.unseal(said) == b"bye"
    assert client.heard_goodbye(link.sent())
    assert link.transport.requests[-1] == "write_eof"
    assert not link.handler.open


def test_a_link_closed_during_the_handshake_with_nothing_to_say_ends() -> None:
    """Nothing waits for the handshake, so it is given up."""
    link, client = TlsLink(), TlsMemoryClient()
    hello = client.shake()

    link.handler.wire.close()
    link.receive(hello)

    assert link.transport.requests[-1] == "write_eof"
    assert link.sent() == b""


# --- bytes -----------------------------------------------------------------------------


@given(
    pieces=st.lists(
        st.binary(min_size=1, max_size=40_000) | st.integers(60_000, 200_000).map(bytes),
        min_size=1,
        max_size=5,
    ),
    size=st.integers(1, 300_000),
    room=st.integers(1, 300_000),
)
def test_input_may_come_in_any_pieces(pieces: list[bytes], size: int, room: int) -> None:
    """However records are cut by the network, and whatever room there is, the same bytes arrive in order."""
    size = max(size, sum(map(len, pieces)) // 2000)
    room = max(room, sum(map(len, pieces)) // 2000)
    link, client = secure_link(room=ReceiveRoom(room))

    link.receive(b"".join(map(client.seal, pieces)), size)

    assert link.handler.data == b"".join(pieces)


def test_a_handshake_may_come_byte_by_byte() -> None:
    """Neither the handshake nor the input after it depends on how the bytes are cut."""
    link, client = TlsLink(), TlsMemoryClient()

    link.shake_hands(client, size=1)
    link.receive(client.seal(b"PING\r\n"), size=1)

    assert link.handler.data == b"PING\r\n"


def test_many_records_fill_the_room_once() -> None:
    """What was read at once is handed on at once, as far as the room goes."""
    link, client = secure_link()

    link.receive(b"".join(client.seal(b"PUB a 1\r\nx\r\n") for _ in range(500)))

    assert link.handler.calls == ["received"]
    assert len(link.handler.data) == 500 * 12


@pytest.mark.parametrize("size", [1, 16 * 1024, SEAL_BYTES, SEAL_BYTES + 1, 3 * SEAL_BYTES + 7])
def test_output_of_any_size_arrives(size: int) -> None:
    """A write is encrypted at once and whole, and is one write of the transport."""
    data = bytes(range(256)) * (size // 256 + 1)
    link, client = secure_link()

    link.handler.wire.write(data[:size])

    assert link.transport.requests == ["write"]
    assert client.unseal(link.sent()) == data[:size]


def test_an_empty_write_is_nothing() -> None:
    """No record is made of no bytes."""
    link, _ = secure_link()

    link.handler.wire.write(b"")
    link.handler.wire.writelines([])

    assert link.sent() == b""


def test_pending_counts_what_the_transport_holds() -> None:
    """Pending bytes are those of the ciphertext that is not passed on."""
    link, _ = secure_link()

    link.handler.wire.write(bytes(1000))

    assert 1000 < link.handler.wire.pending() == link.transport.buffered


def test_a_paused_link_decrypts_nothing() -> None:
    """Input that is there already waits, encrypted; resuming hands it on later, and reads on."""
    link, client = secure_link(partial(Pausing, times=1), room=ReceiveRoom(10))

    link.receive(client.seal(b"0123456789" * 3))
    received_while_paused, reading_while_paused = bytes(link.handler.data), link.transport.reading
    link.handler.wire.resume()
    received_at_once = bytes(link.handler.data)
    link.clock.run_pending()

    assert received_while_paused == received_at_once == b"0123456789"
    assert not reading_while_paused
    assert link.handler.data == b"0123456789" * 3
    assert link.transport.reading


def test_more_is_read_at_once_where_much_comes() -> None:
    """The room grows when it was filled once, and shrinks after a read that had little."""
    link, client = secure_link()
    sealed = client.seal(bytes(MOST_CIPHERTEXT))
    sizes = [len(link.layer.get_buffer(-1))]

    for size in (CIPHERTEXT_BYTES, len(sealed) - CIPHERTEXT_BYTES):
        link.receive(sealed[:size])
        sealed = sealed[size:]
        sizes.append(len(link.layer.get_buffer(-1)))
    link.receive(client.seal(b"PING\r\n"))
    sizes.append(len(link.layer.get_buffer(-1)))

    assert sizes == [CIPHERTEXT_BYTES, MOST_CIPHERTEXT, MOST_CIPHERTEXT, CIPHERTEXT_BYTES]
    assert link.handler.data == bytes(MOST_CIPHERTEXT) + b"PING\r\n"


def test_what_a_paused_link_has_read_is_not_lost_to_others() -> None:
    """A link that is paused in the middle of a large read leaves nothing in the room that all links share."""
    text = bytes(range(250)) * 1200
    link, client = secure_link(partial(Pausing, times=2), room=ReceiveRoom(1000))

    link.receive(client.seal(text))
    for _ in range(2):
        link.layer.get_buffer(-1)[:] = bytes(len(link.layer.get_buffer(-1)))
        link.handler.wire.resume()
        link.clock.run_pending()

    assert link.handler.data == text


def test_an_end_of_file_comes_after_what_was_kept() -> None:
    """A paused link whose peer has left is read to its end before the handler hears of the end."""
    link, client = secure_link(partial(Pausing, times=1), room=ReceiveRoom(10))
    link.receive(client.seal(b"0123456789" * 2))

    stays_open = link.layer.eof_received()
    calls_while_paused = list(link.handler.calls)
    link.handler.wire.resume()
    link.clock.run_pending()

    assert stays_open
    assert calls_while_paused == ["received"]
    assert link.handler.calls == ["received", "received", "eof_received"]


class Pausing(RecordingHandler):
    """Pauses its link within the first calls of `received`."""

    def __init__(self, wire: Wire, room: ReceiveRoom, on_change: Callable[[], None], *, times: int) -> None:
        super().__init__(wire, room, on_change)
        self._times = times

    def received(self, count: int) -> None:
        """Collect, and pause."""
        super().received(count)
        if self._times:
            self._times -= 1
            self.wire.pause()


@pytest.mark.parametrize("fault", ["reserve", "received"])
def test_a_defect_of_the_handler_ends_the_link(fault: str) -> None:
    """It is reported, and the link is aborted."""
    link, client = secure_link(partial(FaultyHandler, fault=fault))

    link.receive(client.seal(b"x"))

    assert [type(failure) for failure in link.failures] == [ZeroDivisionError]
    assert link.transport.requests[-1] == "abort"


@pytest.mark.parametrize("fault", ["eof_received", "drained", "connection_lost"])
def test_a_defect_in_any_call_ends_the_link(fault: str) -> None:
    """Whatever call of the loop it happens in, it is reported once and raises nothing."""
    link, _ = secure_link(partial(FaultyHandler, fault=fault))

    link.layer.resume_writing()
    link.clock.run_pending()
    link.layer.eof_received()
    link.lose()

    assert [type(failure) for failure in link.failures] == [ZeroDivisionError]
    assert link.handler.lost_once


def _out_of_memory(*_: object) -> NoReturn:
    raise MemoryError


@pytest.mark.parametrize("call", ["received", "step", "timeout", "resume", "loss", "begin"])
def test_no_memory_ends_one_link(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed allocation in a call of the loop costs its link, at whatever stage."""
    inner = {
        "received": "_listen",
        "step": "_speak",
        "timeout": "_turn_away",
        "resume": "_read_on",
        "loss": "_report_failure",
        "begin": "_shake_hands",
    }
    if call == "begin":
        monkeypatch.setattr(TlsLayer, inner[call], _out_of_memory)
    link = TlsLink()
    monkeypatch.setattr(TlsLayer, inner[call], _out_of_memory)

    if call == "timeout":
        link.clock.advance(TIMEOUT)
    elif call == "loss":
        link.lose()
    elif call == "resume":
        link.layer.resume_reading()
        link.shake_hands(TlsMemoryClient())
    elif call != "begin":
        link.receive(TlsMemoryClient().shake())

    assert [type(failure) for failure in link.failures] == [MemoryError]
    assert link.transport.requests[-1] == "abort"


# --- hostile peers -----------------------------------------------------------------------


def test_broken_ciphertext_cuts_the_link() -> None:
    """A record that was tampered with ends the link; what came before it counts, and the log says why."""
    link, client = secure_link()
    good, bad = client.seal(b"good"), bytearray(client.seal(b"evil"))
    bad[-1] ^= 1

    link.receive(good + bad)
    link.lose()

    assert link.handler.data == b"good"
    assert link.texts[3:] == ["TLS error: decryption failed or bad record mac"]
    assert link.transport.requests[-1] == "abort"
    assert len(link.handler.losses) == 1
    assert link.handler.losses[0] is not None


def test_new_keys_are_accepted() -> None:
    """A peer may change its keys, and ask us to change ours, as long as it takes our answers."""
    updates = KeyUpdates()
    link = updates.link

    for _ in range(5000):
        link.receive(updates.request())
        link.sent()

    assert "abort" not in link.transport.requests


def test_a_peer_that_asks_for_keys_and_takes_none_is_cut() -> None:
    """Answers of TLS itself cannot pile up without bound."""
    updates = KeyUpdates()
    link = updates.link

    for _ in range(REPLY_BYTES):
        link.receive(updates.request())
        if "abort" in link.transport.requests:
            break

    assert link.transport.buffered < REPLY_BYTES + 1024
    assert link.texts[3:] == ["TLS error: the peer asks TLS for replies and takes none"]


# --- the end -----------------------------------------------------------------------------


def test_closing_says_goodbye() -> None:
    """The peer hears the end of our direction from TLS, and then from TCP; later input is dropped."""
    link, client = secure_link()

    link.handler.wire.write(b"bye")
    said = link.sent()
    link.handler.wire.close()
    link.receive(client.seal(b"too late"))

    assert client.unseal(said) == b"bye"
    assert client.heard_goodbye(link.sent())
    assert "write_eof" in link.transport.requests
    assert link.handler.calls == []


def test_closing_while_paused_reads_on_to_see_the_end() -> None:
    """Input that waited is dropped, and the peer's end of file ends the link."""
    link, client = secure_link()
    link.handler.wire.pause()

    link.handler.wire.close()
    link.receive(client.seal(b"too late"))

    assert link.transport.reading
    assert not link.layer.eof_received()
    assert link.handler.calls == []


def test_the_peers_goodbye_is_the_end_of_input() -> None:
    """The handler gets it once, after the last byte, and our direction stays open."""
    link, client = secure_link()

    link.receive(client.seal(b"last") + client.goodbye())
    stays_open = link.layer.eof_received()
    link.handler.wire.write(b"answer")

    assert link.handler.calls == ["received", "eof_received"]
    assert stays_open
    assert link.sent() != b""


def test_a_goodbye_is_answered_by_the_close() -> None:
    """A link whose peer has said goodbye ends as soon as all is sent."""
    link, client = secure_link(partial(ClosingHandler, cue="eof_received"))

    link.receive(client.goodbye())

    assert link.transport.requests[-1] == "close"
    assert client.heard_goodbye(link.sent())


def test_a_goodbye_to_a_closing_link_ends_it() -> None:
    """While what is pending goes out, the peer's goodbye shortens the wait."""
    link, client = secure_link()
    link.handler.wire.write(b"pending")
    link.handler.wire.close()

    link.receive(client.goodbye())

    assert link.transport.requests[-1] == "close"


def test_a_link_without_a_goodbye_ends_all_the_same() -> None:
    """An end of file without a goodbye is an end as well; the protocol above knows what is complete."""
    link, _ = secure_link()

    assert link.layer.eof_received()
    assert link.handler.calls == ["eof_received"]


def test_an_aborted_link_says_nothing() -> None:
    """Abort sends no goodbye; whatever is called afterwards is ignored."""
    link, client = secure_link()

    link.handler.wire.abort()
    for call in (link.handler.wire.pause, link.handler.wire.resume, link.handler.wire.close):
        call()
    link.handler.wire.write(b"too late")
    link.receive(client.seal(b"too late"))

    assert link.sent() == b""
    assert link.transport.requests == ["abort"]
    assert link.handler.calls == []


@pytest.mark.parametrize("stage", ["greeted", "shaking", "secure", "turned away"])
def test_a_lost_link_leaves_nothing_behind(stage: str) -> None:
    """Without the collector's help its memory returns, and no timer is left."""
    link, client = TlsLink(), TlsMemoryClient()
    if stage == "shaking":
        link.receive(client.shake())
    elif stage == "secure":
        link.shake_hands(client)
    elif stage == "turned away":
        link.receive(b"CONNECT {}\r\n")
    layer = weakref.ref(link.layer)

    gc.disable()
    try:
        link.lose()
        link.acceptor.handlers.clear()
        del link.layer
        remaining = layer()
    finally:
        gc.enable()

    assert remaining is None
    assert link.clock.timers_outstanding == 0


def test_a_step_that_comes_too_late_is_not_made() -> None:
    """A link that was lost while its handshake waited for its turn takes no harm."""
    link, hello = TlsLink(), TlsMemoryClient().shake()
    link.layers.room[: len(hello)] = hello
    link.layer.buffer_updated(len(hello))

    link.lose()

    assert link.sent() == b""
    assert link.handler.calls == ["connection_lost"]


def test_older_clients_speak_tls_1_2() -> None:
    """The suite is named as operators know it."""
    context = certificates().client_context()
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    link = TlsLink()

    link.shake_hands(TlsMemoryClient(context))

    assert link.texts[2] == "TLS version 1.2, cipher suite TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"


# --- pinned certificates ---------------------------------------------------------------------


def pin_of_client() -> str:
    """The pin of the client's certificate."""
    chain = Path(certificates().client.cert_file).read_bytes()
    return key_pin(x509.load_pem_x509_certificate(chain).public_bytes(Encoding.DER))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_pinned_certificate_is_accepted(version: ssl.TLSVersion) -> None:
    """A client with one of the keys that are asked for is served."""
    context = certificates().client_context(certificates().client)
    context.maximum_version = version
    link = TlsLink(verify=True, pins=["0" * 64, pin_of_client()])

    link.shake_hands(TlsMemoryClient(context))

    assert link.handler.open


@pytest.mark.parametrize("for_routes", [False, True])
def test_another_certificate_is_turned_away(*, for_routes: bool) -> None:
    """A good certificate with another key ends the link after the handshake, and the log says why."""
    context = certificates().client_context(certificates().client)
    link = TlsLink(verify=True, pins=["0" * 64], for_routes=for_routes)

    link.shake_hands(TlsMemoryClient(context))

    assert not link.acceptor.handlers or not link.handler.open
    assert link.texts[-1].endswith("certificate not pinned")
    assert "write_eof" in link.transport.requests
    assert REFUSAL not in link.sent()


def test_no_certificate_where_one_is_pinned() -> None:
    """A client without a certificate has none of the keys."""
    link = TlsLink(pins=["0" * 64])

    link.shake_hands(TlsMemoryClient())

    assert not link.handler.open
    assert "TLS handshake error: certificate not pinned" == link.texts[-1]


def test_peers_of_a_third_kind_have_a_name_in_the_log() -> None:
    """A failed handshake of a leaf node is one of a leaf node, greeted or not."""
    for for_routes in (False, True):
        link = TlsLink(for_routes=for_routes, peers="leafnode")
        link.receive(b"CONNECT {}\r\n")
        assert "Starting TLS leafnode" in link.texts[0]
        assert link.texts[-1].startswith("TLS leafnode handshake error: ")
