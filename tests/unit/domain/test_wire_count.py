"""Wires are numbered and counted."""

from app.domain.wire_count import WireCount


def test_who_waits_for_the_last_one_is_called_once() -> None:
    """At once if there is none, and never again for those that come later."""
    wires, called = WireCount(), list[str]()
    assert (wires.next(), wires.next(), wires.left) == (1, 2, 2)
    wires.when_none_is_left(lambda: called.append("one"))
    wires.when_none_is_left(lambda: called.append("other"))
    wires.lose()
    assert (called, wires.left) == ([], 1)
    wires.lose()
    assert wires.next() == 3
    wires.lose()
    assert called == ["one", "other"]
    wires.when_none_is_left(lambda: called.append("third"))

    assert called[-1] == "third"
    assert (wires.opened, wires.lost) == (3, 3)
