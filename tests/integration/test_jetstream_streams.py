"""Streams as clients see them, step by step: here and at nats-server, where it is installed.

The same steps are played at both, and the answers have to be equal but for times and identities.
Without nats-server the steps are played here alone, and each is answered.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.jetstream_client import (
    PROGRAM,
    Client,
    NatsServer,
    Step,
    call,
    connected,
    get,
    pub,
    stream,
)
from tests.support.server_process import CURRENT, ServerProcess


def config(**fields: object) -> list[Step]:
    """A configuration that is accepted or refused; the stream goes again."""
    return [stream("C", **fields), call("STREAM.DELETE.C")]


def limits(**fields: object) -> list[Step]:
    """The same publishes with other limits."""
    return [
        stream("L", **fields),
        pub("l.1", "x"),
        pub("l.2", "x" * 12, Other="b"),
        pub("l.1", "xx"),
        pub("l.3", "x" * 200),
        pub("l.1", "q", Rollup="sub"),
        pub("l.4", "q", Rollup="all"),
        pub("l.4", Rollup="zz"),
        call("STREAM.INFO.L", subjects_filter=">", deleted_details=True),
        call("STREAM.DELETE.L"),
    ]


def batched(number: int, commit: str = "", name: str = "u1", **more: str) -> Step:
    """A message of an atomic batch."""
    end = {"Batch_Commit": commit} if commit else {}
    return pub("b.1", f"{number}", Batch_Id=name, Batch_Sequence=str(number), **end, **more)


SCENES: dict[str, list[Step]] = {
    "publishing": [
        stream("A"),
        *[pub("a.1", "x") for _ in range(3)],
        pub("a.2", "y", Msg_Id="m1"),
        pub("a.2", "y", Msg_Id="m1"),
        pub("a.2", Expected_Stream="B"),
        pub("a.2", Expected_Last_Sequence="1"),
        pub("a.2", Expected_Last_Sequence="x"),
        pub("a.2", Expected_Last_Subject_Sequence="1"),
        pub("a.2", Expected_Last_Subject_Sequence_Subject="a.*"),
        pub("a.2", Expected_Last_Subject_Sequence="4", Expected_Last_Subject_Sequence_Subject="a.*"),
        pub("a.2", Expected_Last_Msg_Id="q"),
        pub("a.2", Rollup="sub"),
        pub("a.2", TTL="5s"),
        pub("a.2", TTL="x"),
        pub("a.2", Stream_Source="x 1"),
        pub("a.2", Incr="1"),
        pub("a.2", Batch_Id="x"),
        pub("a.2", Schedule="@at 2026-01-01T00:00:00Z"),
        pub("a.2", Scheduler="x"),
        pub("a.2", Other="y" * 66000),
        call("STREAM.INFO.A", subjects_filter=">"),
    ],
    "removing": [
        call("STREAM.MSG.DELETE.A", seq=2),
        call("STREAM.MSG.DELETE.A", seq=2),
        call("STREAM.MSG.DELETE.A", seq=99),
        call("STREAM.INFO.A", deleted_details=True),
        call("STREAM.PURGE.A", filter="a.1", keep=1),
        call("STREAM.PURGE.A", seq=1, keep=1),
        call("STREAM.PURGE.A", seq=4),
        call("STREAM.INFO.A", subjects_filter="nosuch", offset=7),
    ],
    "getting": [
        *[
            call("STREAM.MSG.GET.A", **body)
            for body in (
                {"seq": 4},
                {"seq": 2},
                {"last_by_subj": "a.*"},
                {"next_by_subj": "a.2"},
                {"next_by_subj": "a.2", "seq": 9},
                {"seq": 1, "last_by_subj": "a.1"},
                {"seq": 1, "batch": 2},
                {"start_time": "2020-01-01T00:00:00Z"},
                {"start_time": "2040-01-01T00:00:00Z"},
                {"last_by_subj": "zz"},
                {"multi_last": ["a.1"]},
                {"seq": 4, "no_hdr": True},
            )
        ],
        call("STREAM.PURGE.A"),
        pub("a.1", "z"),
        call("STREAM.INFO.A"),
    ],
    "direct gets": [
        stream("D", allow_direct=True),
        *[pub(f"d.{number % 3}", f"{number}") for number in range(5)],
        pub("d.9", "h", Other="b"),
        *[get("D", body) for body in ('{"seq":1}', '{"seq":6}', '{"seq":6,"no_hdr":true}', '{"seq":99}')],
        *[get("D", body) for body in ("", "{}", "{", '{"nope":1}', '{"seq":1,"last_by_subj":"d.1"}')],
        *[get("D", body) for body in ('{"last_by_subj":"d.*"}', '{"next_by_subj":"d.1","seq":3}')],
        get("D", '{"start_time":"2040-01-01T00:00:00Z"}'),
        *[get(f"D.{subject}") for subject in ("d.1", "d.*", "d.77")],
        *[get("D.d.1", body) for body in ('{"seq":1}', '{"no_hdr":true}')],
        *[get("D", f'{{"seq":1,"batch":{count}}}') for count in (2, 100)],
        get("D", '{"next_by_subj":"d.1","batch":3}'),
        get("D", '{"seq":1,"batch":10,"max_bytes":1}'),
        get("D", '{"seq":1,"batch":10,"max_bytes":8}'),
        get("D", '{"seq":50,"batch":3}'),
        get("D", '{"multi_last":["d.*"]}'),
        get("D", '{"multi_last":["d.0","d.1"],"batch":1}'),
        get("D", '{"multi_last":["d.>"],"up_to_seq":3}'),
        get("D", '{"multi_last":["zz"]}'),
        get("D", '{"multi_last":["d.*"],"seq":5}'),
        get("D", '{"multi_last":["d.*"],"up_to_time":"2020-01-01T00:00:00Z"}'),
    ],
    "configurations": [
        *config(max_msgs=-5),
        *config(retention="interest", max_age=5 * 10**9),
        *config(discard="new", max_msgs_per_subject=1, discard_new_per_subject=True),
        *config(subjects=["x..y"]),
        *config(subjects=["$JS.API.>"]),
        *config(subjects=[">"]),
        *config(subjects=["c", "c"]),
        *config(subjects=["c.*", "c.b"]),
        *config(subjects=["a.>"]),
        *config(num_replicas=3),
        *config(num_replicas=9),
        *config(num_replicas=-1),
        *config(max_age=5),
        *config(max_age=-1),
        *config(duplicate_window=5),
        *config(sealed=True),
        *config(deny_purge=True, allow_rollup_hdrs=True),
        *config(mirror_direct=True),
        *config(subject_delete_marker_ttl=10**9),
        *config(subject_delete_marker_ttl=5),
        *config(republish={"src": "c.>", "dest": "c.x"}),
        *config(republish={"dest": "r.>"}),
        *config(subject_transform={"src": "c.*", "dest": "x.$2"}),
        *config(subject_transform={"src": "c.*", "dest": "x.{{foo(1)}}"}),
        *config(placement={"cluster": "c"}),
        *config(placement={"preferred": "c"}),
        *config(mirror={"name": "O"}),
        *config(sources=[{"name": "O"}, {"name": "O"}]),
        *config(sources=[{"name": "C"}]),
        *config(persist_mode="default"),
        *config(persist_mode="async"),
        *config(compression="s2"),
        *config(allow_msg_counter=True),
        *config(allow_msg_schedules=True),
        *config(allow_atomic=True),
        *config(description="d" * 5000),
        *config(metadata={"a": "b"}),
        *config(first_seq=100),
        *config(max_msg_size=10),
        *config(foo=1),
        *config(consumer_limits={"max_ack_pending": 5}),
        *config(no_ack=True),
        *config(name="E"),
    ],
    "copies": [
        stream("O"),
        stream("M", subjects=[], mirror={"name": "O"}),
        stream("CC", subjects=[], sources=[{"name": "O"}]),
        *[
            config(subjects=[], sources=[{"name": name} for name in names.split()])[0]
            for names in ("O M", "O CC", "M O CC", "CC O M")
        ],
    ],
    "updates": [
        stream("U"),
        *[
            call("STREAM.UPDATE.U", **({"name": "U", "subjects": ["u.*"], "storage": "memory"} | fields))
            for fields in (
                {"storage": "file"},
                {"retention": "workqueue"},
                {"retention": "interest"},
                {"deny_delete": True},
                {"deny_delete": False},
                {"deny_delete": True, "deny_purge": True},
                {"deny_delete": True},
                {"deny_delete": True, "deny_purge": True, "allow_msg_ttl": True},
                {"deny_delete": True, "deny_purge": True},
                {"deny_delete": True, "deny_purge": True, "allow_msg_ttl": True, "num_replicas": 3},
                {"deny_delete": True, "deny_purge": True, "allow_msg_ttl": True, "first_seq": 50},
                {"deny_delete": True, "deny_purge": True, "allow_msg_ttl": True, "sealed": True},
                {"deny_delete": True, "deny_purge": True, "allow_msg_ttl": True},
            )
        ],
        pub("u.1", "x"),
        call("STREAM.PURGE.U"),
        call("STREAM.MSG.DELETE.U", seq=1),
    ],
    "limits": [
        *limits(max_msgs=2),
        *limits(max_bytes=100),
        *limits(max_msgs=2, discard="new"),
        *limits(max_bytes=100, discard="new"),
        *limits(max_msgs_per_subject=1),
        *limits(max_msgs_per_subject=1, discard="new", max_msgs=2),
        *limits(max_msgs_per_subject=1, discard="new", discard_new_per_subject=True),
        *limits(retention="interest"),
        *limits(retention="workqueue"),
        *limits(max_msg_size=20),
        *limits(allow_rollup_hdrs=True),
        *limits(subject_transform={"src": "l.*", "dest": "z.$1"}),
    ],
    "limits in files": [
        *limits(storage="file", max_bytes=150),
        *limits(storage="file", max_bytes=150, discard="new"),
        *limits(storage="file", allow_rollup_hdrs=True, max_msgs_per_subject=1),
    ],
    "counters": [
        stream("N", allow_msg_counter=True),
        *[pub("n.1", Incr=text) for text in ("+1", "2", "-5", "x")],
        pub("n.1", "x", Incr="1"),
        pub("n.1"),
        pub("n.1", Incr="1", Rollup="sub"),
        call("STREAM.MSG.GET.N", seq=2),
    ],
    "atomic batches": [
        stream("B", allow_atomic=True),
        *[batched(1), batched(2), batched(3, "1")],
        *[batched(1), batched(3), batched(2)],
        *[batched(1, "eob"), batched(1), batched(2, "eob"), batched(1, "x"), batched(1, name="x" * 65)],
        *[batched(1, Msg_Id="i"), batched(2, "1", Msg_Id="i")],
        *[batched(1), batched(2, "1", Expected_Last_Msg_Id="i")],
        *[batched(1, Expected_Last_Sequence="4"), batched(2, "1", Expected_Last_Sequence="5")],
        *[batched(1), batched(2, "1", Expected_Last_Subject_Sequence="4")],
        *[batched(1001), batched(1, "1")],
        call("STREAM.INFO.B"),
        *[call("STREAM.MSG.GET.B", seq=number) for number in (3, 4)],
    ],
}


@pytest.fixture(name="ours", scope="module")
def _ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of our server."""
    folder = tmp_path_factory.mktemp("ours")
    with connected(ServerProcess(*CURRENT, "-js", "-sd", str(folder))) as client:
        yield client


@pytest.fixture(name="theirs", scope="module")
def _theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client | None]:
    """A client of nats-server; None where it is not installed."""
    if PROGRAM is None:
        yield None
        return
    folder: Path = tmp_path_factory.mktemp("theirs")
    with connected(NatsServer("-js", "-sd", str(folder))) as client:
        yield client


Differing = dict[str, dict[int, tuple[object, object]]]


@pytest.fixture(name="differing", scope="module")
def _differing(ours: Client, theirs: Client | None) -> Differing:
    """By scene and step what nats-server and ours answer, where that is not the same.

    Scenes go on where those before them ended, so all are played, whichever are asked about.
    """
    found: Differing = {scene: {} for scene in SCENES}
    for scene, steps in SCENES.items():
        for number, step in enumerate(steps):
            answer = step(ours)
            expected = step(theirs) if theirs is not None else answer
            if answer != expected:
                found[scene][number] = (expected, answer)
    return found


@pytest.mark.parametrize("scene", SCENES)
def test_streams_answer_as_those_of_nats_server(differing: Differing, scene: str) -> None:
    """Each step of a scene has the same answer."""
    assert {} == differing[scene]


def test_streams_survive_a_kill(tmp_path: Path) -> None:
    """What was acknowledged is there, ids are known, and a batch that was not complete is gone."""
    flags = (*CURRENT, "-js", "-sd", str(tmp_path))
    with connected(first := ServerProcess(*flags)) as client:
        stream("K", storage="file", allow_atomic=True, allow_msg_ttl=True, allow_rollup_hdrs=True)(client)
        for number in range(5):
            pub(f"k.{number % 2}", f"{number}", Msg_Id=f"id{number}")(client)
        pub("k.0", "sum", Rollup="sub", Expected_Last_Subject_Sequence="5")(client)
        for each in (1, 2):
            pub("k.b", f"{each}", Batch_Id="u", Batch_Sequence=f"{each}")(client)
        call("STREAM.MSG.DELETE.K", seq=2)(client)
        before = call("STREAM.INFO.K", subjects_filter=">", deleted_details=True)(client)
        first.stop(signal.SIGKILL)
    with connected(ServerProcess(*flags)) as client:
        after = call("STREAM.INFO.K", subjects_filter=">", deleted_details=True)(client)
        duplicate = pub("k.1", "again", Msg_Id="id3")(client)
        lost = pub("k.b", "3", Batch_Id="u", Batch_Sequence="3", Batch_Commit="1")(client)
        following = pub("k.1", "next", Expected_Last_Sequence="6")(client)

    assert before == after
    assert ("", '{"stream":"K","seq":4,"duplicate": true}') == duplicate
    assert '"err_code":10176' in str(lost)
    assert ("", '{"stream":"K","seq":7}') == following
