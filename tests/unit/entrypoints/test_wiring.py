"""Unit tests of what the providers of the container call."""

import weakref

from app.adapters.auth.setup import AuthSettings
from app.adapters.logs.structured import LinesDropped
from app.adapters.monitoring.journal import Journal
from app.adapters.net_asyncio.tls_choice import ChoiceTerms
from app.adapters.net_asyncio.tls_context import server_context
from app.adapters.net_asyncio.tls_layer import TlsLayers, TlsSettings
from app.domain.events import Event, InternalFailure
from app.entrypoints.journal_kinds import KINDS
from app.entrypoints.wiring import (
    failure_reporter,
    gate_of,
    layers_of,
    noting,
    switchable,
    tls_layers,
    view_of_streams,
)
from app.ports.layers import Layer
from tests.fakes.event_log import RecordingEventLog
from tests.support.certificates import certificates

SETTINGS = TlsSettings(server_context(certificates().files()), 1.0, list[Event]().append)


def test_layers_are_in_order() -> None:
    """TLS is next to the socket, with the choice in its place, and taps are next to the wire."""
    tls = tls_layers(SETTINGS)
    assert isinstance(tls, TlsLayers)

    assert [tls, Layer, Layer] == layers_of(tls, Layer, taps=(Layer,))
    assert [Layer] == layers_of(None, taps=(Layer,))
    assert tls is not layers_of(tls, choice=ChoiceTerms(1.0))[0]


def test_parts_that_are_off() -> None:
    """There is nothing to make of them."""
    assert tls_layers(None) is None
    assert gate_of(None) is None
    assert view_of_streams(None)() is None


def test_an_authenticator_can_be_replaced() -> None:
    """It is asked through one that a reload may switch."""
    assert not switchable(AuthSettings(), list[Event]().append).required


def test_a_defect_is_logged() -> None:
    """It has ended one link."""
    log = RecordingEventLog()
    report = failure_reporter(log)
    assert callable(report)
    report(ZeroDivisionError())

    assert [InternalFailure] == [type(fact) for fact in log.events]


def test_a_journal_is_not_kept_alive() -> None:
    """A fact for one that is gone is dropped."""
    journal = Journal(KINDS)
    note, kept = noting(journal), weakref.ref(journal)
    del journal
    note(LinesDropped(None, 1))

    assert kept() is None
