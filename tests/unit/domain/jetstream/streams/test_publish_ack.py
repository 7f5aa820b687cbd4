"""Unit tests of the answers to publishes (jetstream-streams.md, section 3)."""

from app.domain.jetstream.errors import JetStreamError
from app.domain.jetstream.streams.publish_ack import PublishAcks


def test_acks_are_equal_to_the_byte() -> None:
    """They are what nats-server sends."""
    acks = PublishAcks("A")

    assert acks.stored(1) == b'{"stream":"A","seq":1}'
    assert acks.counted(2, -3) == b'{"stream":"A","seq":2,"val":"-3"}'
    assert acks.batch(3, 'u"1', 3) == b'{"stream":"A","seq":3,"batch":"u\\"1","count":3}'
    assert acks.duplicate(2) == b'{"stream":"A","seq":2,"duplicate": true}'
    assert acks.refused(JetStreamError(10071, 2)) == (
        b'{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 2"},"stream":"A","seq":0}'
    )


def test_a_domain_is_named() -> None:
    """It comes after the stream; names may need escapes."""
    assert PublishAcks("L", "hub").stored(1) == b'{"stream":"L","domain":"hub","seq":1}'
    assert PublishAcks('a"%d').stored(1) == b'{"stream":"a\\"%d","seq":1}'
