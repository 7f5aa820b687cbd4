"""What rules are given."""

import pytest

from app.adapters.faults.arguments import check_chosen, check_effect
from app.adapters.faults.rules import FaultKind


def test_what_makes_sense() -> None:
    """Arguments that a rule can obey are accepted."""
    check_chosen(FaultKind.DROP, "a.*", {"client": "x", "on": 1, "probability": 0.5, "seed": 7})
    check_chosen(FaultKind.STALL, "", {"user": "x", "direction": "both"})
    check_effect(FaultKind.DELAY, {"seconds": 0.1})
    check_effect(FaultKind.ERROR, {"text": "no"})


@pytest.mark.parametrize(
    ("kind", "chosen", "text"),
    [
        (FaultKind.STALL, {"queue": "q"}, "stall cannot be selected by queue"),
        (FaultKind.DROP, {"on": 0}, "counts from 1 on"),
        (FaultKind.DROP, {"direction": "up"}, "a direction is"),
        (FaultKind.ERROR, {"direction": "both"}, "an error answers"),
        (FaultKind.DROP, {"queue": "q", "direction": "both"}, "selects deliveries"),
        (FaultKind.DROP, {"route": "r", "user": "u"}, "a link is that of a client or a route"),
    ],
)
def test_what_makes_none(kind: FaultKind, chosen: dict[str, object], text: str) -> None:
    """Arguments that no rule can obey raise an error that says why."""
    with pytest.raises(ValueError, match=text):
        check_chosen(kind, "", chosen)


def test_types() -> None:
    """The error names the argument."""
    with pytest.raises(TypeError, match="cid is an int, not '1'"):
        check_chosen(FaultKind.DROP, "", {"cid": "1"})
    with pytest.raises(TypeError, match="copies is an int, not '2'"):
        check_effect(FaultKind.DUPLICATE, {"copies": "2"})
