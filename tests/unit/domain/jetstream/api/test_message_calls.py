"""The calls about single messages."""

import pytest

from tests.support.virtual_jetstream import VirtualJetStream


def test_get(js: VirtualJetStream) -> None:
    """A message by its sequence, or the last of a subject."""
    js.stream()
    js.publish("s.a", b"one")
    message = js.ask("STREAM.MSG.GET.S", {"seq": 1})["message"]
    assert isinstance(message, dict)
    assert (message["subject"], message["data"]) == ("s.a", "b25l")
    assert js.ask("STREAM.MSG.GET.S", {"last_by_subj": "s.*"})["message"] == message


@pytest.mark.parametrize(
    ("call", "document", "number"),
    [
        ("GET.S", b"", 10003),
        ("GET.S", {}, 10003),
        ("GET.S", {"seq": 9}, 10037),
        ("GET.NOPE", {"seq": 1}, 10059),
        ("GET.NOPE", {"seq": 1, "last_by_subj": "a"}, 10003),
        ("GET.NOPE", {"seq": 1, "x": 1}, 10025),
        ("GET.a\\b", {"seq": 1}, 10128),
        ("DELETE.S", b"", 10003),
        ("DELETE.S", {}, 10003),
        ("DELETE.S", {"seq": 0}, 10057),
        ("DELETE.S", b"null", 10057),
        ("DELETE.S", {"seq": 9}, 10057),
        ("DELETE.S", {"seq": 1, "x": 1}, 10025),
    ],
)
def test_refusals(js: VirtualJetStream, call: str, document: dict[str, object] | bytes, number: int) -> None:
    """What is wrong is answered with its number."""
    js.stream()
    js.publish("s.a")
    assert js.refusal(f"STREAM.MSG.{call}", document) == number


@pytest.mark.parametrize("no_erase", [False, True])
def test_delete(js: VirtualJetStream, no_erase: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A message is gone, whether its bytes are overwritten or not."""
    js.stream()
    js.publish("s.a")
    js.publish("s.b")
    assert js.ask("STREAM.MSG.DELETE.S", {"seq": 1, "no_erase": no_erase})["success"] is True
    assert js.refusal("STREAM.MSG.GET.S", {"seq": 1}) == 10037
    assert js.refusal("STREAM.MSG.DELETE.S", {"seq": 1}) == 10057


def test_a_hole_is_not_what_is_before_the_first(js: VirtualJetStream) -> None:
    """A sequence within the stream is not found; one before it is no message."""
    js.stream()
    for _ in range(3):
        js.publish("s.a")
    js.ask("STREAM.MSG.DELETE.S", {"seq": 2})
    assert js.refusal("STREAM.MSG.DELETE.S", {"seq": 2}) == 10043
    js.ask("STREAM.MSG.DELETE.S", {"seq": 1})
    assert js.refusal("STREAM.MSG.DELETE.S", {"seq": 1}) == 10057


def test_a_list_of_subjects_means_nothing_beside_a_sequence(js: VirtualJetStream) -> None:
    """Only direct gets know `multi_last`."""
    js.stream()
    js.publish("s.a")
    assert "message" in js.ask("STREAM.MSG.GET.S", {"seq": 1, "multi_last": ["s.a"]})
    assert js.refusal("STREAM.MSG.GET.S", {"multi_last": ["s.a"]}) == 10003
