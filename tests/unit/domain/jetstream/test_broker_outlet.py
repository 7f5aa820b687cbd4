"""The outlet to the broker."""

import pytest

from app.domain.events import ServerFailure
from app.domain.jetstream.outlet import Delivery
from tests.support.runs import run_of
from tests.support.virtual_jetstream import VirtualJetStream


def test_deliver(js: VirtualJetStream) -> None:
    """A message goes out at the end of the turn, under the subject that it names."""
    outlet = js.jetstream.outlet
    assert outlet.deliver(b"nobody", b"s") is Delivery.NOBODY
    assert outlet.deliver(b"_I.1", b"s", b"ack", b"", b"x") is Delivery.SENT
    assert outlet.deliver(b"_I.1", b"s") is Delivery.SENT
    assert js.client.heard() == b""
    js.server.settle()
    assert js.client.heard() == b"MSG s 1 ack 1\r\nx\r\nMSG s 1 0\r\n\r\n"


def test_together(js: VirtualJetStream) -> None:
    """What a call delivers is sent at once, unless this turn goes on anyway."""
    outlet = js.jetstream.outlet
    outlet.together(lambda: outlet.deliver(b"_I.1", b"s", payload=b"x"))
    assert js.client.heard() == b"MSG s 1 1\r\nx\r\n"
    outlet.together(lambda: outlet.together(lambda: outlet.deliver(b"_I.1", b"s")))
    assert js.client.heard() == b"MSG s 1 0\r\n\r\n"
    outlet.deliver(b"_I.1", b"s")
    outlet.together(lambda: outlet.deliver(b"_I.1", b"s"))
    assert js.client.heard() == b""
    js.server.settle()

    assert js.client.heard() == b"MSG s 1 0\r\n\r\n" * 2


def test_a_defect_sends_what_came_before(js: VirtualJetStream) -> None:
    """The next one is sent by itself again."""
    outlet = js.jetstream.outlet

    def fail() -> None:
        outlet.deliver(b"_I.1", b"s")
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        outlet.together(fail)
    assert js.client.heard() == b"MSG s 1 0\r\n\r\n"
    outlet.deliver(b"_I.1", b"s")
    assert js.client.heard() == b""


def test_the_end_of_a_turn(js: VirtualJetStream) -> None:
    """Calls are made after all messages of a turn, with what goes out then; else in the next turn."""
    outlet, intake = js.jetstream.outlet, js.jetstream.intake
    heard: list[str] = []

    def end() -> None:
        heard.append("end")
        outlet.deliver(b"_I.1", b"s")
        outlet.at_end_of_turn(lambda: heard.append("later"))

    def take(*_message: bytes) -> None:
        heard.append("message")
        if len(heard) == 1:
            outlet.at_end_of_turn(end)

    intake.attend(b"here", take)
    js.client.send(b"PUB here 0\r\n\r\n" * 2)
    assert heard == ["message", "message", "end", "later"]
    assert js.client.heard() == b"MSG s 1 0\r\n\r\n"
    outlet.at_end_of_turn(lambda: heard.append("soon"))
    assert heard[-1] == "later"
    js.server.settle()
    assert heard[-1] == "soon"


def test_an_answer(js: VirtualJetStream) -> None:
    """It goes out at the end of the turn, with others."""
    outlet = js.jetstream.outlet
    assert outlet.answer(b"_I.1", b'{"seq":', 1)
    assert outlet.answer(b"_I.1", b'{"seq":', 2)
    assert js.client.heard() == b""
    js.server.settle()
    assert js.client.heard() == b'MSG _I.1 1 9\r\n{"seq":1}\r\nMSG _I.1 1 9\r\n{"seq":2}\r\n'


def test_congested(js: VirtualJetStream) -> None:
    """Where all receivers are, it says so."""
    js.client.connection.outbox.congested = True
    assert not js.jetstream.outlet.answer(b"_I.1", b"", 1)
    assert js.jetstream.outlet.deliver(b"_I.1", b"s") is Delivery.CONGESTED


def test_interest(js: VirtualJetStream) -> None:
    """Subscriptions of clients count, JetStream's own do not, and groups by their name."""
    outlet = js.jetstream.outlet
    js.stream()
    js.client.send(b"SUB g q 2\r\n")
    assert outlet.has_interest(b"_I.x")
    assert not outlet.has_interest(b"s.a")
    assert outlet.has_listener(b"s.a")
    assert not outlet.has_listener(b"t.a")
    assert outlet.has_interest(b"g", "q")
    assert not outlet.has_interest(b"g", "other")
    assert not outlet.has_interest(b"x", "q")


def test_changes_of_interest(js: VirtualJetStream) -> None:
    """Who watches a subject hears of subscriptions that come and go, in a later turn, until the end."""
    changes: list[bool] = []
    end = js.jetstream.outlet.watch_interest(b"a.b", lambda: changes.append(True))
    other = js.jetstream.outlet.watch_interest(b"b", lambda: None)
    other()
    js.client.send(b"SUB a.* 7\r\n")
    js.client.send(b"UNSUB 7\r\n")
    js.client.send(b"SUB other 8\r\n")
    assert len(changes) == 2
    end()
    js.client.send(b"SUB a.> 9\r\n")
    assert len(changes) == 2


def test_publish(js: VirtualJetStream) -> None:
    """What is published reaches clients and streams; what is too large is reported and dropped."""
    outlet = js.jetstream.outlet
    js.stream()
    js.client.send(b"SUB s.> 2\r\n")
    outlet.publish(b"s.a", b"x", reply=b"re")
    outlet.publish(b"s.a", b"x" * 2_000_000)
    js.server.settle()
    assert js.client.heard() == b"MSG s.a 2 re 1\r\nx\r\n"
    assert js.ask("STREAM.INFO.S")["state"]["messages"] == 1  # type: ignore[index]
    assert len(js.events.of(ServerFailure)) == 1
    js.jetstream.intake.close()
    outlet.publish(b"s.a", b"x")


def test_names(js: VirtualJetStream) -> None:
    """Names have the length that is asked for."""
    names = {js.jetstream.outlet.random_name(length) for length in (4, 8, 22)}
    assert {len(name) for name in names} == {4, 8, 22}


def test_answers_to_a_run(js: VirtualJetStream) -> None:
    """They go out at the end of the turn."""
    run = run_of([(b"s", b"", b"x", reply) for reply in (b"_I.1", b"nobody", b"_I.2")])
    assert js.jetstream.outlet.deliver_answers(run, 0, 7, b'{"seq":') == 3
    assert js.client.heard() == b""
    js.server.settle()
    assert js.client.heard() == b'MSG _I.1 1 9\r\n{"seq":7}\r\nMSG _I.2 1 9\r\n{"seq":9}\r\n'


def test_a_defect_is_reported(js: VirtualJetStream) -> None:
    """By its name and its place, and not by its text."""
    js.jetstream.outlet.failed(ValueError("secret"))

    assert [event.reason for event in js.events.of(ServerFailure)] == ["ValueError"]
