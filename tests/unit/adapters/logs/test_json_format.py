"""Unit tests of log lines as JSON."""

import inspect
import json
from dataclasses import fields

from app.adapters.logs import structured
from app.adapters.logs.json_format import renderer, unfold
from app.adapters.logs.structured import ProcessorChain
from app.domain import events
from app.domain.events import ClientReportedError, Event, Link, Listening, ServerReady, UnsubscribeDeferred


def keys(fact: Event, **stamp: float) -> dict[str, object]:
    """The keys that one fact unfolds to."""
    return dict(unfold(None, "record", {"fact": fact, **stamp}))


def test_a_fact_about_the_server() -> None:
    """Time, level, name and sentence come first, then the fact's own fields."""
    line = keys(Listening(None, "0.0.0.0", 4222), time=1_461_676_880.379640)  # noqa: S104 - nothing listens

    assert [
        ("time", "2016-04-26T13:21:20.379640Z"),
        ("level", "info"),
        ("event", "listening"),
        ("text", "Listening for client connections on 0.0.0.0:4222"),
        ("host", "0.0.0.0"),  # noqa: S104 - nothing listens
        ("port", 4222),
    ] == list(line.items())


def test_a_fact_about_a_connection() -> None:
    """The connection comes last, in parts."""
    line = keys(UnsubscribeDeferred(Link("cid", 7, "::1:57860"), "foo", 5, 2))

    assert {
        "level": "debug",
        "event": "unsubscribe_deferred",
        "text": "Deferring actual UNSUB(foo): 5 max, 2 received",
        "subject": "foo",
        "limit": 5,
        "delivered": 2,
        "link": {"kind": "cid", "number": 7, "address": "::1:57860"},
    } == line


def test_names_with_abbreviations() -> None:
    """An abbreviation in a fact's name is one word."""

    class TLSHandshakeFailed(ServerReady):
        """A fact whose name begins with an abbreviation."""

    assert "tls_handshake_failed" == keys(TLSHandshakeFailed(None))["event"]


def test_no_fact_hides_a_key_of_the_line() -> None:
    """No field of any fact is named like a key that every line has."""
    kinds = {
        kind
        for module in (events, structured)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Event)
    }

    own = {field.name for kind in kinds for field in fields(kind)}

    assert len(kinds) > 10
    assert not own & {"time", "level", "event", "text", "fact"}


def test_a_peer_forges_no_line() -> None:
    """Whatever a peer sent comes back whole from one line of plain ASCII."""
    message = "x\r\n\x1b[2J\0é\u2028"

    line = ProcessorChain([unfold, renderer()]).line(ClientReportedError(None, message))

    assert line.isascii()
    assert line.isprintable()
    assert message == json.loads(line)["message"]
