"""Unit tests of a stream's configuration in JSON (jetstream-streams.md, section 1)."""

import json

from app.domain.jetstream.streams.config import StreamConfig, StreamSource, SubjectMapping, as_json
from app.domain.jetstream.streams.parsing import parse_stream_config
from app.domain.jetstream.streams.rules import checked

FULL: dict[str, object] = {
    "name": "S",
    "description": "d",
    "subjects": ["a.*", "b"],
    "retention": "interest",
    "max_consumers": 4,
    "max_msgs": 5,
    "max_bytes": 6000,
    "max_age": 7_000_000_000,
    "max_msgs_per_subject": 8,
    "max_msg_size": 9,
    "discard": "new",
    "storage": "memory",
    "num_replicas": 1,
    "no_ack": True,
    "duplicate_window": 1_000_000_000,
    "placement": {"cluster": "c", "tags": ["t"]},
    "sources": [
        {
            "name": "O",
            "opt_start_seq": 3,
            "subject_transforms": [{"src": "x.*", "dest": "y.$1"}, {"src": "z", "dest": ""}],
            "external": {"api": "$JS.hub.API", "deliver": ""},
        },
        {"name": "P", "opt_start_time": "2026-11-28T19:08:48.5Z", "filter_subject": "q"},
    ],
    "compression": "s2",
    "first_seq": 10,
    "subject_transform": {"src": "a.*", "dest": "c.$1"},
    "republish": {"src": ">", "dest": "r.>", "headers_only": True},
    "allow_direct": True,
    "mirror_direct": False,
    "discard_new_per_subject": True,
    "sealed": False,
    "deny_delete": True,
    "deny_purge": False,
    "allow_rollup_hdrs": True,
    "consumer_limits": {"inactive_threshold": 11, "max_ack_pending": 12},
    "allow_msg_ttl": True,
    "subject_delete_marker_ttl": 2_000_000_000,
    "metadata": {"_nats.req.level": "1", "k": "v"},
}


def test_the_form_is_that_of_nats_server() -> None:
    """What is always there is there, in nats-server's order."""
    config = checked(parse_stream_config({"name": "ORD", "subjects": ["ord.*"]}))

    assert json.dumps(as_json(config, level=5, version="2.15.1"), separators=(",", ":")) == (
        '{"name":"ORD","subjects":["ord.*"],"retention":"limits","max_consumers":-1,"max_msgs":-1,'
        '"max_bytes":-1,"max_age":0,"max_msgs_per_subject":-1,"max_msg_size":-1,"discard":"old",'
        '"storage":"file","num_replicas":1,"duplicate_window":120000000000,"compression":"none",'
        '"allow_direct":false,"mirror_direct":false,"sealed":false,"deny_delete":false,'
        '"deny_purge":false,"allow_rollup_hdrs":false,"consumer_limits":{},"allow_msg_ttl":false,'
        '"metadata":{"_nats.level":"5","_nats.req.level":"0","_nats.ver":"2.15.1"}}'
    )


def test_all_fields_come_back() -> None:
    """A configuration in JSON is read and written without loss, in the same order."""
    config = checked(parse_stream_config(FULL))

    assert FULL == as_json(config)
    assert list(FULL) == list(as_json(config))


def test_a_mirror_comes_back() -> None:
    """A mirror is written as it was read."""
    mirror = {"name": "O", "filter_subject": "o.1"}
    config = checked(parse_stream_config({"name": "M", "mirror": mirror}))

    assert mirror == as_json(config)["mirror"]
    assert "subjects" not in as_json(config)
    assert "duplicate_window" not in as_json(config)


def test_the_stored_form_keeps_the_required_level_alone() -> None:
    """Levels and versions that a client sent back are not kept."""
    metadata = {"_nats.level": "5", "_nats.ver": "1", "_nats.req.level": "3", "k": "v"}
    config = checked(parse_stream_config({"name": "S", "allow_msg_ttl": True, "metadata": metadata}))

    assert as_json(config)["metadata"] == {"_nats.req.level": "1", "k": "v"}


def test_the_required_level_is_that_of_the_newest_feature() -> None:
    """Clients learn which servers could take the stream over."""
    assert StreamConfig().required_level == 0
    assert StreamConfig(subject_delete_marker_ttl=1).required_level == 1
    assert StreamConfig(allow_msg_ttl=True, allow_atomic=True).required_level == 2
    assert StreamConfig(persist_mode="async").required_level == 2
    assert StreamConfig(allow_batched=True).required_level == 4


def test_a_source_has_an_index_and_filters() -> None:
    """Sources of one stream differ by filters and destinations."""
    assert StreamSource("O").index == ("O", ">", ">")
    assert StreamSource("O").filters == ()
    assert StreamSource("O", filter_subject="a").index == ("O", "a", ">")
    assert StreamSource("O", filter_subject="a").filters == (b"a",)
    mappings = (SubjectMapping("a", "b"), SubjectMapping("c", ""))
    assert StreamSource("O", subject_transforms=mappings).index == ("O", "a\fc", "b\f>")
    assert StreamSource("O", subject_transforms=mappings).filters == (b"a", b"c")
    assert StreamSource("O", subject_transforms=(SubjectMapping("", "b.>"),)).filters == ()


def test_what_a_stream_is_can_be_asked() -> None:
    """Storage and retention have names."""
    assert StreamConfig(storage="memory").in_memory
    assert not StreamConfig(retention="interest").keeps_all
