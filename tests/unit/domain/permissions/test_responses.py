"""Open reply subjects."""

from app.domain.permissions import responses
from app.domain.permissions.responses import OpenReplies
from app.domain.permissions.rules import NO_LIMIT, Responses


class Scene:
    """A client whose messages and time the test counts."""

    def __init__(self, rule: Responses) -> None:
        self.now = 0.0
        self.sent = 0
        self.replies = OpenReplies(rule, lambda: self.now, lambda: self.sent)

    def publish(self, subject: bytes) -> bool:
        """Publish, and ask twice, as for a message that comes in two pieces."""
        first = self.replies.grant(subject)
        assert self.replies.grant(subject) == first
        self.sent += 1
        return first


def test_count() -> None:
    """A response counts once, however often the same message is asked about."""
    scene = Scene(Responses(2))
    scene.replies.received(b"MSG svc 1 re 0")
    assert [scene.publish(b"re") for _ in range(3)] == [True, True, False]


def test_headers() -> None:
    """A message with headers opens its reply subject; one without a reply opens none."""
    scene = Scene(Responses())
    scene.replies.received(b"HMSG svc 1 re 12 12")
    scene.replies.received(b"HMSG svc 1 12 12")
    scene.replies.received(b"MSG svc 1 12")
    assert len(scene.replies) == 1
    assert scene.publish(b"re")


def test_time() -> None:
    """A reply subject closes in time, whether anybody asks or not."""
    scene = Scene(Responses(NO_LIMIT, 5.0))
    scene.replies.open(b"one")
    assert scene.publish(b"one")
    assert scene.publish(b"one")
    scene.now = 5.0
    assert not scene.publish(b"one")
    scene.replies.open(b"two")
    scene.now = 10.0
    scene.replies.open(b"three")
    assert len(scene.replies) == 1


def test_bound() -> None:
    """The oldest reply subject is closed for one too many."""
    scene = Scene(Responses())
    for number in range(responses.MOST_OPEN + 1):
        scene.replies.open(b"%d" % number)
    assert len(scene.replies) == responses.MOST_OPEN
    assert not scene.publish(b"0")
    assert scene.publish(b"1")


def test_asking_counts_nothing() -> None:
    """Whether a reply subject is open can be asked any number of times."""
    scene = Scene(Responses(1, 10.0))
    scene.replies.open(b"re")
    assert [scene.replies.is_open(each) for each in (b"re", b"re", b"other")] == [True, True, False]
    assert scene.publish(b"re")
    assert not scene.replies.is_open(b"re")
    scene.replies.open(b"late")
    scene.now = 10.0
    assert not scene.replies.is_open(b"late")
