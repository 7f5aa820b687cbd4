"""Fast batches as clients see them, step by step: here and at nats-server, where it is installed."""

from pathlib import Path

import pytest

from tests.support.jetstream_client import (
    Answers,
    Client,
    Step,
    call,
    connected,
    played_at_both,
    stream,
)
from tests.support.server_process import CURRENT, ServerProcess


def fast(  # noqa: PLR0913 - tests name what differs
    number: object,
    operation: object = 1,
    *,
    flow: object = 2,
    gap: str = "fail",
    name: str = "u1",
    subject: str = "f.1",
    payload: str = "",
    reply: str = "",
    **headers: str,
) -> Step:
    """A message of a fast batch, and all that is answered until a refusal of another message follows."""
    fields = {"Nats-" + key.replace("_", "-"): value for key, value in headers.items()}
    where = reply or f"{name}.{flow}.{gap}.{number}.{operation}.$FI"

    def step(client: Client) -> object:
        return client.ask_until_refused(subject, payload or f"{number}", fields or None, where)

    return step


def batch(*numbers: int, **keys: object) -> list[Step]:
    """Messages from a batch's first one on."""
    return [fast(number, 0 if number == 1 else 1, **keys) for number in numbers]  # type: ignore[arg-type]


SCENES: dict[str, list[Step]] = {
    "refused": [
        stream("F"),
        fast(1, 0),
        call("STREAM.DELETE.F"),
        stream("F", allow_batched=True, max_msg_size=20),
        call("STREAM.INFO.F"),
        fast(1, 5),
        fast(1, "x"),
        fast(0, 0),
        fast(2, 0),
        fast(1, 1),
        fast(1, 3),
        fast(1, 0, gap="maybe"),
        fast("x", 0),
        fast(2**64 - 1, 2),
        fast(1, 0, reply="u1.fail.1.0.$FI"),
        fast(1, 0, reply=".$FI"),
        fast(1, 0, name="x" * 65),
        fast(1, 0, name="x" * 64, flow="x"),
        fast(1, 0, name="d", flow=0),
        fast(1, 0, name="e", flow=99999),
        fast(2, name="other"),
        fast(2, 2, name="other"),
        fast(1, 4, name="ping"),
        fast(1, 0, payload="x" * 30),
        fast(1, 0, Required_Api_Level="99"),
        fast(1, 0, name="lv", Required_Api_Level="2"),
        fast(2, 2, name="lv", Required_Api_Level="x"),
        fast(2, 2, name="lv"),
        call("STREAM.INFO.F"),
        call("STREAM.DELETE.F"),
    ],
    "stored": [
        stream("F", allow_batched=True),
        *batch(1, 2, 3, 4, 5),
        fast(6, 2),
        *batch(1, 2),
        fast(3, 3),
        fast(1, 2),
        *batch(1, 2, 3, 4, 5, flow=1),
        fast(6, 3),
        *batch(1, 2, 3, flow=3),
        fast(3, 4),
        fast(4, 4),
        fast(5, 2),
        *batch(1, 2),
        fast(2, 4),
        fast(1, 4),
        fast(3, 2),
        call("STREAM.MSG.GET.F", seq=1),
        call("STREAM.INFO.F"),
    ],
    "gaps": [
        *batch(1, 2, 4),
        fast(5),
        *batch(1, 2, 1),
        *batch(1, 2),
        fast(3, 0),
        *batch(1, gap="ok"),
        fast(4, gap="ok"),
        fast(6, gap="ok"),
        fast(9, 4, gap="ok"),
        fast(10, gap="ok"),
        fast(12, 3, gap="ok"),
        *batch(1, gap="ok"),
        fast(5, 2, gap="ok"),
        *batch(1, 5, 3, gap="ok"),
        call("STREAM.INFO.F"),
    ],
    "errors": [
        *batch(1, 2),
        fast(3, Expected_Last_Sequence="1"),
        fast(4),
        fast(1, 0, Expected_Last_Sequence="1"),
        fast(1, 2, Expected_Last_Sequence="1"),
        *batch(1, gap="ok"),
        fast(2, gap="ok", Expected_Last_Sequence="1"),
        fast(3, gap="ok"),
        fast(4, 2, gap="ok", Expected_Last_Sequence="1"),
        fast(1, 0, gap="ok", Expected_Last_Sequence="1"),
        fast(2, 3, gap="ok"),
        fast(1, 0, TTL="5s"),
        fast(1, 0, Stream_Source="x 1"),
        fast(1, 0, Expected_Stream="x"),
        fast(1, 0, Rollup="sub"),
        fast(1, 0, Incr="1"),
        call("STREAM.INFO.F"),
    ],
    "ids": [
        fast(1, 0, Msg_Id="a"),
        fast(2, 1, Msg_Id="a"),
        fast(3, 1, Msg_Id="b"),
        fast(4, 1, Msg_Id="b"),
        fast(5, 2, Msg_Id="b"),
        fast(1, 0, Msg_Id="a"),
        fast(2, 2, Msg_Id="a"),
        fast(1, 2, Msg_Id="a"),
        fast(1, 2, Msg_Id="a", gap="ok"),
        fast(1, 0, Msg_Id="a"),
        fast(2, 3),
    ],
    "several": [
        *batch(1, flow=8),
        *batch(1, 2, 3, 4, 5, 6, 7, 8, name="u2", flow=8),
        *[fast(number, flow=8) for number in range(2, 9)],
        fast(9, 2, flow=8),
        *[fast(number, name="u2", flow=8) for number in range(9, 18)],
        fast(18, 3, name="u2", flow=8),
        call("STREAM.INFO.F"),
        call("STREAM.DELETE.F"),
    ],
    "streams": [
        stream("F", allow_batched=True, retention="interest"),
        *batch(1, 2, 3),
        fast(4, 2),
        call("STREAM.DELETE.F"),
        stream("F", allow_batched=True, max_msgs=3, discard="new"),
        *batch(1, 2, 3, 4, 5),
        *batch(1),
        call("STREAM.DELETE.F"),
        stream("F", allow_batched=True, allow_msg_counter=True),
        fast(1, 0, Incr="1", payload=" "),
        call("STREAM.DELETE.F"),
        stream("F", allow_batched=True, storage="file"),
        *batch(1, 2, 3),
        call("STREAM.UPDATE.F", name="F", subjects=["f.*"], storage="file"),
        fast(4),
        call("STREAM.UPDATE.F", name="F", subjects=["f.*"], storage="file", allow_batched=True),
        fast(4),
        *batch(1),
        fast(2, 3),
        call("STREAM.UPDATE.F", name="F", subjects=["f.*"], storage="file", allow_batched=True, sealed=True),
        *batch(1),
        call("STREAM.DELETE.F"),
        stream("F", subjects=[], allow_batched=True, mirror={"name": "O"}),
    ],
}


@pytest.fixture(name="both", scope="module")
def _both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Answers, Answers]:
    """What our server answers; and nats-server, if it is there."""
    return played_at_both(SCENES, tmp_path_factory.mktemp("stores"))


@pytest.mark.parametrize("scene", SCENES)
def test_fast_batches_are_answered_as_by_nats_server(both: tuple[Answers, Answers], scene: str) -> None:
    """Each step of a scene has the same answers, in the same order."""
    ours, theirs = both

    assert theirs[scene] == ours[scene]


def test_a_fast_batch_ends_with_the_server(tmp_path: Path) -> None:
    """What was answered for is there after a start, and the batch has to begin again."""
    flags = (*CURRENT, "-js", "-sd", str(tmp_path))
    with connected(ServerProcess(*flags)) as client:
        stream("F", allow_batched=True, storage="file")(client)
        for step in batch(1, 2, 3):
            step(client)
    with connected(ServerProcess(*flags)) as client:
        lost = fast(4)(client)
        again = fast(1, 2)(client)

    assert "10208" in str(lost)
    assert [("", '{"stream":"F","seq":4,"batch":"u1","count":1}')] == again
