"""Unit tests of what a stream may copy from (jetstream-streams.md, section 9)."""

from itertools import pairwise

import pytest

from app.domain.jetstream.errors import JetStreamError
from app.domain.jetstream.streams.config import StreamConfig
from app.domain.jetstream.streams.parsing import parse_stream_config
from app.domain.jetstream.streams.rules import SECOND, checked

Document = dict[str, object]

PAIR = [{"src": "a.*", "dest": "b.$1"}]
OVERLAPPING = [{"src": "a.*", "dest": "x.$1"}, {"src": "a.b", "dest": "y"}]

ORIGINS = {
    "BIG": StreamConfig("BIG", subjects=("big",), max_msg_size=100, allow_direct=True),
    "BACK": StreamConfig("BACK", mirror=parse_stream_config({"mirror": {"name": "S"}}).mirror),
    "LOOP": StreamConfig(
        "LOOP", subjects=("loop",), sources=parse_stream_config({"sources": [{"name": "S"}]}).sources
    ),
    "FILTERED": StreamConfig(
        "FILTERED",
        subjects=("f",),
        sources=parse_stream_config({"sources": [{"name": "S", "filter_subject": "s.1"}]}).sources,
    ),
}


def mirror(**fields: object) -> Document:
    """A configuration of a mirror."""
    return {"name": "S", "mirror": {"name": "O"} | fields}


BY = {"name": "C", "deliver_subject": "d"}


def sources(*each: Document) -> Document:
    """A configuration with sources."""
    return {"name": "S", "sources": list(each)}


@pytest.mark.parametrize(
    ("document", "number"),
    [
        (mirror() | {"first_seq": 5}, 10143),
        (mirror() | {"subjects": ["a"]}, 10034),
        (mirror() | {"sources": [{"name": "P"}]}, 10031),
        (mirror() | {"allow_msg_counter": True}, 10173),
        (mirror() | {"allow_atomic": True}, 10198),
        (mirror() | {"allow_batched": True}, 10209),
        (mirror() | {"allow_msg_schedules": True}, 10186),
        (mirror(filter_subject="a", subject_transforms=PAIR), 10150),
        (mirror(subject_transforms=[{"src": "a..", "dest": "b"}]), 10151),
        (mirror(filter_subject="a.."), 10049),
        (mirror(subject_transforms=[{"src": "a", "dest": "b.$2"}]), 10154),
        (mirror(subject_transforms=OVERLAPPING), 10152),
        (mirror(name="a b"), 10142),
        (mirror(name="BIG") | {"max_msg_size": 10}, 10030),
        (mirror() | {"subject_delete_marker_ttl": SECOND}, 10052),
        (mirror(name="S"), 10052),
        (mirror(name="BACK"), 10052),
        (mirror(external={"api": "a.*", "deliver": ""}), 10052),
        (mirror(external={"api": "$JS.API", "deliver": ""}), 10021),
        (mirror(external={"api": "", "deliver": "d.>"}), 10024),
        (mirror(consumer={"name": "C"}), 10213),
        (mirror(consumer=BY, filter_subject="a"), 10213),
        (sources({"name": "O"}) | {"allow_msg_schedules": True}, 10187),
        (sources({"name": "O", "consumer": {}}), 10215),
        (sources({"name": "O", "consumer": BY | {"name": "a.b"}}), 10215),
        (sources({"name": "O", "consumer": BY | {"deliver_subject": "d.*"}}), 10215),
        (sources({"name": "O", "consumer": BY | {"deliver_subject": "d..e"}}), 10215),
        (sources({"name": "O", "consumer": BY, "opt_start_seq": 1}), 10215),
        (sources({"name": "O", "consumer": BY, "opt_start_time": "2026-01-01T00:00:00Z"}), 10215),
        (sources({"name": "O", "consumer": BY}, {"name": "O", "consumer": BY}), 10140),
        (
            sources({"name": "O", "consumer": BY, "subject_transforms": PAIR}, {"name": "O", "consumer": BY}),
            10216,
        ),
        (sources({"name": "a b"}), 10141),
        (sources({"name": "O", "filter_subject": "a.."}), 10049),
        (sources({"name": "O"}, {"name": "O"}), 10140),
        (sources({"name": "O", "filter_subject": "a", "subject_transforms": PAIR}), 10144),
        (sources({"name": "O", "subject_transforms": [{"src": "a..", "dest": "b"}]}), 10145),
        (sources({"name": "O", "subject_transforms": [{"src": "a", "dest": "b.$2"}]}), 10146),
        (sources({"name": "O", "subject_transforms": OVERLAPPING}), 10147),
        (sources({"name": "BIG"}) | {"max_msg_size": 10}, 10046),
        (sources({"name": "LOOP"}), 10052),
        (sources({"name": "FILTERED"}) | {"subjects": ["s.*"]}, 10052),
        (sources({"name": "O", "external": {"api": "", "deliver": "d"}}) | {"subjects": ["*.>"]}, 10022),
    ],
)
def test_what_is_wrong_is_refused(document: Document, number: int) -> None:
    """Each rule has its number."""
    with pytest.raises(JetStreamError) as raised:
        checked(parse_stream_config(document), origins=ORIGINS.get)

    assert number == raised.value.number


@pytest.mark.parametrize(
    "document",
    [
        mirror(),
        mirror(external={"api": "$JS.hub.API", "deliver": "d"}),
        mirror(subject_transforms=PAIR),
        mirror(name="BIG") | {"max_msg_size": 100},
        sources({"name": "O"}, {"name": "O", "filter_subject": "a"}),
        sources({"name": "S", "external": {"api": "$JS.hub.API", "deliver": ""}}),
    ],
)
def test_what_is_right_is_accepted(document: Document) -> None:
    """The origin need not exist, and another domain is not looked into."""
    assert checked(parse_stream_config(document), origins=ORIGINS.get).name == "S"


def test_a_filter_that_lets_nothing_back_is_no_cycle() -> None:
    """Two streams may copy from each other what the other one does not have from it."""
    config = parse_stream_config(sources({"name": "FILTERED"}) | {"subjects": ["t"]})
    back = ORIGINS | {
        "FILTERED": StreamConfig(
            "FILTERED",
            subjects=("f",),
            sources=parse_stream_config({"sources": [{"name": "S", "filter_subject": "x"}]}).sources,
        )
    }

    assert checked(config, origins=back.get).sources


@pytest.mark.parametrize(
    ("mine", "wanted", "is_cycle"), [("two", "one", False), ("two", "two", True), ("", "one", True)]
)
def test_streams_that_copy_from_each_other(mine: str, wanted: str, is_cycle: bool) -> None:  # noqa: FBT001 - a row of a table
    """Each may take what the other has of its own, but nothing may go round."""
    back = parse_stream_config({"sources": [{"name": "S", "filter_subject": mine}]}).sources
    first = StreamConfig("FIRST", subjects=("one",), sources=back)
    document = {"name": "S", "subjects": ["two"], "sources": [{"name": "FIRST", "filter_subject": wanted}]}

    if not is_cycle:
        assert checked(parse_stream_config(document), origins={"FIRST": first}.get).sources
        return
    with pytest.raises(JetStreamError, match="detected cycle"):
        checked(parse_stream_config(document), origins={"FIRST": first}.get)


def test_an_origin_of_two_sources_is_no_cycle() -> None:
    """As long as it is no source itself."""
    both = parse_stream_config({"sources": [{"name": "ROOT"}]}).sources
    others = {
        "ROOT": StreamConfig("ROOT", subjects=("r",)),
        "LEFT": StreamConfig("LEFT", sources=both),
        "RIGHT": StreamConfig("RIGHT", sources=both),
    }
    config = parse_stream_config({"name": "S", "sources": [{"name": "LEFT"}, {"name": "RIGHT"}]})

    assert checked(config, origins=others.get).sources


def _copy(name: str, *origins: str, **fields: object) -> StreamConfig:
    given = parse_stream_config({"name": name, "sources": [{"name": each} for each in origins]} | fields)
    return StreamConfig(name, subjects=given.subjects, sources=given.sources, mirror=given.mirror)


COPIES = {
    each.name: each
    for each in (
        StreamConfig("O", subjects=("o.>",)),
        _copy("M", mirror={"name": "O"}),
        _copy("MM", mirror={"name": "M"}),
        _copy("C", "O"),
        _copy("CC", "C"),
        _copy("FEW", sources=[{"name": "O", "filter_subject": "o.x"}]),
        _copy("OWN", subjects=["own.>"], sources=[{"name": "O", "filter_subject": "own.x"}]),
    )
}


@pytest.mark.parametrize(
    ("names", "is_cycle"),
    [
        ("O M", True),
        ("M O", False),
        ("O C", True),
        ("C O", False),
        ("O FEW", False),
        ("O OWN", True),
        ("C M", False),
        ("M C", False),
        ("C CC", True),
        ("O CC", True),
        ("O NONE", False),
        ("M MM", True),
        ("O MM", True),
        ("C O CC", True),
    ],
)
def test_an_origin_and_a_copy_of_it(names: str, is_cycle: bool) -> None:  # noqa: FBT001 - a row of a table
    """What is found before may not be copied by what is found later, unless a filter prevents it."""
    sources = [{"name": name} for name in names.split()]
    config = parse_stream_config({"name": "S", "sources": sources})

    if not is_cycle:
        assert checked(config, origins=COPIES.get).sources
        return
    with pytest.raises(JetStreamError, match="detected cycle"):
        checked(config, origins=COPIES.get)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"sources": [{"name": f"O{n}"} for n in range(1001)]}, "more than 1000 sources"),
        (
            {
                "sources": [{"name": f"O{n}"} for n in range(30)],
                "subjects": [f"a.{n}" for n in range(9000)],
            },
            "too many subjects to compare with each other",
        ),
        (
            {
                "sources": [
                    {"name": "O", "subject_transforms": [{"src": f"a.{n}", "dest": "b"} for n in range(500)]}
                ]
            },
            "more than 447 transforms",
        ),
    ],
)
def test_what_would_take_long(document: dict[str, object], words: str) -> None:
    """Configurations that would hold the server while they are checked are refused."""
    with pytest.raises(JetStreamError, match=words):
        checked(parse_stream_config({"name": "S", **document}))


def test_long_ways_back() -> None:
    """So are those whose filters would be compared with too many subjects."""
    many = tuple(f"m.{n}" for n in range(9000))
    filters = [{"name": "S", "filter_subject": f"f.{n}"} for n in range(30)]
    origin = StreamConfig("FAR", subjects=many, sources=parse_stream_config({"sources": filters}).sources)

    with pytest.raises(JetStreamError, match="too many subjects to compare"):
        checked(parse_stream_config(sources({"name": "FAR"})), origins={"FAR": origin}.get)


def test_many_ways_to_the_same_origins() -> None:
    """Streams in twenty layers, each copying from two of the next, have a million ways between them."""
    layers = [(f"A{n}", f"B{n}") for n in range(20)]
    copies = [_copy(name, *after) for each, after in pairwise(layers) for name in each]
    origins = {each.name: each for each in [*copies, *map(StreamConfig, layers[-1])]}
    config = parse_stream_config({"name": "S", "sources": [{"name": name} for name in layers[0]]})

    assert checked(config, origins=origins.get).sources


def test_an_origin_that_is_met_again_later() -> None:
    """What it copies from was found meanwhile: the order counts, also of what was met before."""
    origins = {
        each.name: each for each in (_copy("A", "C", "D"), _copy("B", "C"), _copy("C", "D"), _copy("D"))
    }
    config = parse_stream_config({"name": "S", "sources": [{"name": "A"}, {"name": "B"}]})

    with pytest.raises(JetStreamError, match="detected cycle"):
        checked(config, origins=origins.get)


def test_direct_gets_are_inherited() -> None:
    """A mirror answers direct gets if its origin does; pedantic requests must say so."""
    config = parse_stream_config(mirror(name="BIG"))

    assert checked(config, origins=ORIGINS.get).mirror_direct
    with pytest.raises(JetStreamError, match="origin stream has direct get set"):
        checked(config, origins=ORIGINS.get, pedantic=True)


def test_sources_by_consumers() -> None:
    """Each has a consumer of its own, beside others without one."""
    each: list[Document] = [{"name": "O", "consumer": BY | {"name": name}} for name in "CD"]
    document = sources({"name": "O"}, *each, {"name": "P", "consumer": BY})

    found = checked(parse_stream_config(document))
    assert document["sources"] == [source.as_json() for source in found.sources]
    assert "O:C=jZ6RvVRH" == found.sources[1].index[0]
