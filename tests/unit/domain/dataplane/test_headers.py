"""Messages with headers, over both twins: HPUB and HMSG."""

import pytest

from app.domain.dataplane.seam import Fault, Kind
from tests.fakes.data_plane import Stage, Station

BLOCK = b"NATS/1.0\r\nBar: Baz\r\n\r\n"
MESSAGE = b"HPUB a re 22 24\r\n" + BLOCK + b"hi\r\n"


@pytest.fixture(name="sender")
def _sender(stage: Stage) -> Station:
    """A client that may send headers."""
    station = stage.station()
    station.inlet.headers = True
    return station


def test_a_receiver_with_headers_gets_hmsg(stage: Stage, sender: Station) -> None:
    """A receiver that takes headers gets them, another one the payload alone."""
    able, plain = stage.station(), stage.station()
    able.outbox.headers = True
    stage.listen(b"a", able.target(b"1"), plain.target(b"2"))

    sender.feed(MESSAGE)

    assert b"HMSG a 1 re 22 24\r\n" + BLOCK + b"hi\r\n" == able.heard()
    assert b"MSG a 2 re 2\r\nhi\r\n" == plain.heard()
    assert (24, 2) == (able.outbox.out_bytes, plain.outbox.out_bytes)
