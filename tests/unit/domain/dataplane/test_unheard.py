"""Requests to nobody that the plane answers itself, over both twins."""

import pytest

from app.domain.dataplane.constants import RECEIVERS_PER_CHECK
from app.domain.dataplane.seam import Progress, Target
from app.domain.protocol.encode import no_responders
from tests.fakes.clock import TickingClock
from tests.fakes.data_plane import Stage, Station

PREFIX = b"in.x."


@pytest.fixture(name="asker")
def _asker(stage: Stage) -> Station:
    """One that wants to know of requests to nobody."""
    asker = stage.station()
    asker.inlet.no_responders = True
    return asker


@pytest.fixture(name="place")
def _place(asker: Station) -> Target:
    """Where it is answered, without a question to its control plane."""
    place = asker.target(b"7")
    asker.inlet.answer_at(PREFIX, place)
    return place


def request(reply: bytes, subject: bytes = b"nobody") -> bytes:
    """A request with this reply subject."""
    return b"PUB %b %b 2\r\nhi\r\n" % (subject, reply)


def test_each_further_token(asker: Station, place: Target) -> None:
    """Requests are answered at the place that the plane knows, and counted there."""
    asker.feed(request(b"in.x.1") + request(b"in.x.22") + request(b"in.x.*"))

    replies = (b"in.x.1", b"in.x.22", b"in.x.*")
    assert b"".join(no_responders(b"nobody", b"7", reply) for reply in replies) == asker.heard()
    assert (3, []) == (place.delivered, asker.control.unanswered)


@pytest.mark.parametrize("size", [1, 66, 67, 68, 200, 900])
def test_subjects_of_all_sizes(asker: Station, place: Target, size: int) -> None:
    """The sizes in the line are those of the headers, with as many digits as they take."""
    subject = size * b"s"

    asker.feed(request(b"in.x.1", subject))

    assert no_responders(subject, b"7", b"in.x.1") == asker.heard()
    assert 1 == place.delivered


@pytest.mark.parametrize(
    "reply", [b"in.x.", b"in.x", b"i", b"in.y.1", b"in.x.1.2", b"in.x.1.", b"in.x..", b"in.x..1"]
)
def test_other_replies(asker: Station, place: Target, reply: bytes) -> None:
    """Where the reply subject is not the prefix and one token, the control plane is asked."""
    asker.feed(request(reply))

    assert [(b"nobody", reply)] == asker.control.unanswered
    assert (b"", 0) == (asker.heard(), place.delivered)


def test_without_reply(asker: Station, place: Target) -> None:
    """A message without a reply subject is no request."""
    asker.feed(b"PUB nobody 2\r\nhi\r\n")

    assert (b"", 0, []) == (asker.heard(), place.delivered, asker.control.unanswered)


def test_a_place_that_retires(asker: Station, place: Target) -> None:
    """The control plane is asked again when the subscription has ended."""
    asker.feed(request(b"in.x.1"))
    place.retire()
    asker.feed(request(b"in.x.2"))

    assert [(b"nobody", b"in.x.2")] == asker.control.unanswered
    assert no_responders(b"nobody", b"7", b"in.x.1") == asker.heard()


def test_a_place_with_a_limit(asker: Station, place: Target) -> None:
    """The control plane is asked again when the subscription is to end after some messages."""
    place.limit = 9

    asker.feed(request(b"in.x.1"))

    assert [(b"nobody", b"in.x.1")] == asker.control.unanswered
    assert 0 == place.delivered


def test_the_latest_place(asker: Station, place: Target) -> None:
    """There is one place for each peer: the one that was named last."""
    later = asker.target(b"8")
    asker.inlet.answer_at(b"in.z.", later)

    asker.feed(request(b"in.x.1") + request(b"in.z.1"))

    assert [(b"nobody", b"in.x.1")] == asker.control.unanswered
    assert no_responders(b"nobody", b"8", b"in.z.1") == asker.heard()
    assert (0, 1) == (place.delivered, later.delivered)


def test_a_place_of_another(stage: Stage, asker: Station) -> None:
    """Nobody is answered at the subscription of another peer."""
    other = stage.station()
    asker.inlet.answer_at(PREFIX, other.target(b"7"))

    asker.feed(request(b"in.x.1"))

    assert [(b"nobody", b"in.x.1")] == asker.control.unanswered
    assert (b"", b"") == (asker.heard(), other.heard())


def test_a_request_that_was_interrupted(stage: Stage, asker: Station, place: Target) -> None:
    """One for very many who are all closed is answered after the last of them."""
    gone = stage.station()
    gone.outbox.closed = True
    stage.subscribe(b"many", *(gone.target(b"%d" % n) for n in range(2 * RECEIVERS_PER_CHECK)))
    stage.plane.clock, stage.plane.until = TickingClock(pace=1.0).monotonic, 1.0

    asker.feed(request(b"in.x.1", b"many"))

    assert 0 == place.delivered
    assert [True, False] == [stage.plane.flush(), stage.plane.flush_rest()]
    assert no_responders(b"many", b"7", b"in.x.1") == asker.heard()


def test_an_asker_that_reads_nothing(asker: Station, place: Target) -> None:
    """An answer to a congested peer holds it back, as all that the server sends."""
    asker.outbox.congested = True
    asker.owner.decide = lambda: True

    progress = asker.feed(request(b"in.x.1") + request(b"in.x.2"))

    assert (Progress.HELD, 1) == (progress, place.delivered)
