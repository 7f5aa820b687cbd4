"""The account info."""

from dataclasses import replace

from app.domain.dataplane.seam import MakePlane
from tests.support.virtual_jetstream import SETTINGS, VirtualJetStream


def test_info(js: VirtualJetStream) -> None:
    """It sums up what is used, and counts itself afterwards."""
    js.stream(max_bytes=1000)
    js.stream("M", storage="memory", max_bytes=500)
    js.consumer()
    js.publish("s.a", b"x")
    js.publish("m.a", b"x")

    answer = js.ask("INFO", b"ignored")

    assert (answer["streams"], answer["consumers"]) == (2, 1)
    assert (answer["reserved_storage"], answer["reserved_memory"]) == (1000, 500)
    assert int(str(answer["storage"])) > 0
    assert int(str(answer["memory"])) > 0
    assert answer["api"] == {"level": SETTINGS.api_level, "total": 3, "errors": 0}
    assert "domain" not in answer
    assert js.ask("INFO")["api"]["total"] == 4  # type: ignore[index]


def test_no_room_left(make_plane: MakePlane) -> None:
    """Over the limit of the server nothing is stored; of many streams the sum may be some ms old."""
    js = VirtualJetStream(make_plane, settings=replace(SETTINGS, max_storage=100))
    js.stream()
    while "error" not in (answer := js.publish("s.a", b"x" * 50)):
        pass
    assert answer["error"]["err_code"] == 10023  # type: ignore[index]
    for number in range(20):
        js.stream(f"N{number}")
    assert js.publish("n1.a")["error"]["err_code"] == 10023  # type: ignore[index]
    js.ask("STREAM.PURGE.S")
    js.server.advance(1)
    assert js.publish("n1.a")["seq"] == 1
