"""The way of requests."""

from collections.abc import Generator
from typing import NoReturn

import pytest

from app.domain.jetstream.api.requests import ApiRequest
from app.domain.jetstream.api.router import ANY, Call, Router
from app.domain.jetstream.errors import JetStreamError
from tests.fakes.clock import TickingClock


class Scene:
    """A router with some calls, and what it answered."""

    def __init__(self) -> None:
        self.clock = TickingClock()
        self.sent: list[tuple[bytes, bytes, bytes]] = []
        self.failures: list[Exception] = []
        self.kept: list[ApiRequest] = []
        table = {
            ("ECHO", 1): Call("echo", lambda request: {"name": request.names[0]}),
            ("ECHO", ANY): Call("echo", lambda request: {"names": list(request.names)}),
            ("A.B.C", 0): Call("deep", lambda _request: {}),
            ("REFUSE", 0): Call("refuse", self._refuse, {"total": 0}),
            ("FAIL", 0): Call("fail", self._fail),
            ("CHANGE", 2): Call("change", self.kept.append, holds=2),
            ("STREAM", 1): Call("stream", self.kept.append, holds=1),
            ("REFUSED", 1): Call("refused", self._refuse, holds=1),
            ("KEEP", 0): Call("keep", self.kept.append),
            ("STEPS", 0): Call("steps", self._steps),
            ("LATER", 0): Call("later", self._later),
            ("NEWER", 0): Call("newer", self._newer, level=5),
        }
        self.router = Router(
            self.clock,
            table,
            lambda *sent: self.sent.append(sent),
            lambda _request, _text, _error: None,
            self.failures.append,
        )
        self.router.level = 1

    @staticmethod
    def _refuse(_request: ApiRequest) -> NoReturn:
        raise JetStreamError(10014)

    @staticmethod
    def _fail(_request: ApiRequest) -> NoReturn:
        raise KeyError

    @staticmethod
    def _newer(request: ApiRequest) -> dict[str, object]:
        request.answer_headers = b"NATS/1.0\r\nA: b\r\n\r\n"
        if request.payload:
            raise JetStreamError(10014)
        return {}

    @staticmethod
    def _steps(_request: ApiRequest) -> Generator[None, None, dict[str, object]]:
        yield
        yield
        return {"done": True}

    def _later(self, request: ApiRequest) -> Generator[None, None, None]:
        yield
        self.kept.append(request)

    def ask(self, call: str, headers: bytes = b"", reply: bytes = b"r") -> list[bytes]:
        """The texts that answer."""
        self.router.receive(b"$JS.API." + call.encode(), headers, b"", reply)
        self.clock.run_pending()
        sent, self.sent[:] = [text for _, text, _ in self.sent], []
        return sent


@pytest.fixture(name="scene")
def _scene() -> Scene:
    return Scene()


def test_calls_are_found(scene: Scene) -> None:
    """A call has its words, and as many names as it wants."""
    assert scene.ask("ECHO.x") == [b'{"type":"io.nats.jetstream.api.v1.echo_response","name":"x"}']
    assert b'"names":["x","y"]' in scene.ask("ECHO.x.y")[0]
    assert len(scene.ask("A.B.C")) == 1


@pytest.mark.parametrize("call", ["NOPE", "ECHO", "A.B", "A.B.C.D", ".".join(["ECHO"] + ["x"] * 40)])
def test_what_is_unknown(scene: Scene, call: str) -> None:
    """It has no answer, and is not counted."""
    assert scene.ask(call) == []
    assert scene.router.counters.total == 0


def test_errors(scene: Scene) -> None:
    """They are answered with what the call always says; a defect is reported, too."""
    (answer,) = scene.ask("REFUSE")
    assert answer == (
        b'{"type":"io.nats.jetstream.api.v1.refuse_response",'
        b'"error":{"code":404,"err_code":10014,"description":"consumer not found"},"total":0}'
    )
    assert b'"err_code":10051' in scene.ask("FAIL")[0]
    assert (len(scene.failures), scene.router.counters.errors, scene.router.counters.total) == (1, 2, 2)


def test_answers_that_come_later(scene: Scene) -> None:
    """A call may answer when it wants to, once."""
    assert scene.ask("KEEP") == []
    (request,) = scene.kept
    request.answer({"a": 1})
    request.answer({"a": 2})
    assert len(scene.sent) == 1


def test_steps(scene: Scene) -> None:
    """A call in steps holds those after it, and each turn ends by the clock."""
    scene.clock.pace = 0.01
    scene.router.receive(b"$JS.API.STEPS", b"", b"", b"1")
    scene.router.receive(b"$JS.API.ECHO.x", b"", b"", b"2")
    assert len(scene.router) == 2
    scene.clock.run_pending()
    assert [reply for reply, _, _ in scene.sent] == [b"1", b"2"]
    scene.sent.clear()
    assert scene.ask("LATER") == []
    assert len(scene.kept) == 1


def test_bytes_that_wait(scene: Scene) -> None:
    """Requests are dropped that would hold too much memory; the first is taken whatever its size."""
    large = bytes(40 * 2**20)
    for reply in (b"1", b"2", b"3"):
        scene.router.receive(b"$JS.API.ECHO.x", b"", large, reply)
    assert (len(scene.router), scene.router.counters.dropped) == (1, 2)
    scene.clock.run_pending()
    scene.router.receive(b"$JS.API.ECHO.x", b"", large, b"4")
    scene.clock.run_pending()
    assert [reply for reply, _, _ in scene.sent] == [b"1", b"4"]


def test_bytes_that_wait_for_a_change(scene: Scene) -> None:
    """They count as well."""
    scene.ask("CHANGE.S.C")
    for _ in range(3):
        scene.router.receive(b"$JS.API.ECHO.S.C", b"", b"x" * (30 << 20), b"r")
        scene.clock.run_pending()
    assert scene.router.counters.dropped == 1
    scene.kept.pop().answer({})
    scene.clock.run_pending()
    assert len(scene.sent) == 3


def test_without_a_reply(scene: Scene) -> None:
    """Nothing happens."""
    assert scene.ask("ECHO.x", reply=b"") == []


def test_too_many(scene: Scene) -> None:
    """What the queue has no room for is dropped and counted."""
    scene.router.queue_limit = 1
    for _ in range(3):
        scene.router.receive(b"$JS.API.ECHO.x", b"", b"", b"r")
    scene.clock.run_pending()
    assert (len(scene.sent), scene.router.counters.dropped) == (1, 2)


@pytest.mark.parametrize(("level", "served"), [(b"0", True), (b"1", True), (b"2", False), (b"x", False)])
def test_levels(scene: Scene, level: bytes, served: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A request that needs a higher level of the API is refused."""
    headers = b"NATS/1.0\r\nNats-Required-Api-Level: %b\r\n\r\n" % level
    (answer,) = scene.ask("ECHO.x", headers)
    assert (b'"err_code":10185' in answer) is not served


def test_a_call_of_a_higher_level(scene: Scene) -> None:
    """Some calls serve what the API as a whole does not."""
    four, six = (b"NATS/1.0\r\nNats-Required-Api-Level: %d\r\n\r\n" % level for level in (4, 6))

    assert b"10185" in scene.ask("STEPS", four)[0]
    assert b"error" not in scene.ask("NEWER", four)[0]
    assert b"10185" in scene.ask("NEWER", six)[0]


def test_headers_of_an_answer(scene: Scene) -> None:
    """They go with it, but not with a refusal."""
    scene.router.receive(b"$JS.API.NEWER", b"", b"", b"r")
    scene.router.receive(b"$JS.API.NEWER", b"", b"x", b"r")
    scene.clock.run_pending()

    assert [b"NATS/1.0\r\nA: b\r\n\r\n", b""] == [headers for _, _, headers in scene.sent]


def test_requests_wait_for_one_that_changes_what_they_ask_for(scene: Scene) -> None:
    """Those that begin with the same names, in their order, until it is answered; all others pass."""
    assert scene.ask("CHANGE.S.C") == []
    for call in ("ECHO.S.C", "ECHO.S.C.x", "CHANGE.S.C"):
        assert scene.ask(call) == []
    assert len(scene.ask("ECHO.S")) == len(scene.ask("ECHO.S.D")) == len(scene.ask("ECHO.T.C")) == 1
    scene.router.queue_limit = 3
    assert scene.ask("ECHO.T") == []
    assert scene.router.counters.dropped == 1
    first = scene.kept.pop()
    first.answer({"a": 1})
    scene.clock.run_pending()
    answered, scene.sent[:] = [text for _, text, _ in scene.sent], []

    assert [b'"a":1' in answered[0], b'"names":["S","C"]' in answered[1], b"x" in answered[2]] == [True] * 3
    assert (len(answered), len(scene.kept)) == (3, 1)
    assert scene.ask("ECHO.S.C") == []
    scene.kept.pop().refuse(JetStreamError(10014))
    scene.clock.run_pending()
    assert len(scene.sent) == 2


class CountingTable(dict[tuple[str, int], Call]):
    """A table that counts how often a call is looked for."""

    searches = 0

    def get(self, key: tuple[str, int], default: object = None) -> Call | None:  # type: ignore[override]
        """Count it."""
        assert default is None
        self.searches += 1
        return super().get(key)


def test_many_changes_of_the_same_are_looked_at_once() -> None:
    """Those that wait on are not looked at each time that one is answered."""
    kept: list[ApiRequest] = []
    clock = TickingClock()
    table = CountingTable({("CHANGE", 2): Call("change", kept.append, holds=2)})
    router = Router(clock, table, lambda *_: None, lambda *_: None, lambda _: None)
    for _ in range(50):
        router.receive(b"$JS.API.CHANGE.S.C", b"", b"", b"r")
    clock.run_pending()
    at_first = table.searches
    while kept:
        kept.pop().answer({})
        clock.run_pending()

    assert (50, 0, True) == (router.counters.total, len(router), router.is_settled)
    assert table.searches <= 2 * at_first


def test_what_waits_for_two_changes(scene: Scene) -> None:
    """What was held by one of them may be held by the other one next; all are answered, in order."""
    for call in ("CHANGE.S.C", "STREAM.S", "CHANGE.S.C", "ECHO.S.C", "ECHO.S.D"):
        assert scene.ask(call) == []
    first, stream = scene.kept
    stream.answer({"a": 1})
    assert 3 == len(scene.router)
    scene.clock.run_pending()
    assert [b'"a":1' in scene.sent[0][1], b"D" in scene.sent[1][1], len(scene.sent)] == [True, True, 2]

    first.answer({})
    scene.clock.run_pending()
    assert 3 == len(scene.kept)
    scene.kept[-1].answer({})
    scene.clock.run_pending()
    assert b'"names":["S","C"]' in scene.sent[-1][1]
    assert scene.router.is_settled


def test_what_is_released_may_be_held_by_what_is_released_before(scene: Scene) -> None:
    """Two changes are answered in one turn, and one that waited for the first holds what the other held."""
    for call in ("CHANGE.S.C", "ECHO.S.C", "STREAM.S", "CHANGE.S.C", "ECHO.S.C.x"):
        assert scene.ask(call) == []
    first, stream = scene.kept
    stream.answer({})
    first.answer({})
    scene.clock.run_pending()
    assert (2, 3) == (len(scene.sent), len(scene.kept))

    scene.kept[-1].answer({})
    scene.clock.run_pending()
    assert [True, True] == [b'"names":["S","C"]' in scene.sent[-2][1], b"x" in scene.sent[-1][1]]
    assert scene.router.is_settled


def test_a_change_that_is_answered_at_once_holds_nobody(scene: Scene) -> None:
    """Nor does one that is refused."""
    assert len(scene.ask("REFUSED.S")) == 1
    assert len(scene.ask("ECHO.S")) == 1
