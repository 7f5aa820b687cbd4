"""The calls that make rules."""

import pytest

from app.adapters.faults.commands import FaultCommands, FaultSpec, specify
from app.adapters.faults.rules import BOTH, OUT, Count, FaultKind, Selector


class Described(FaultCommands[FaultSpec]):
    """Returns what is described."""

    def begin(self, spec: FaultSpec) -> FaultSpec:
        """See `FaultCommands`."""
        return spec


FAULTS = Described()


@pytest.mark.parametrize(
    ("spec", "kind", "effect"),
    [
        (FAULTS.cut("a"), FaultKind.CUT, {}),
        (FAULTS.drop("a"), FaultKind.DROP, {}),
        (FAULTS.delay("a", seconds=2), FaultKind.DELAY, {"seconds": 2}),
        (FAULTS.duplicate("a", copies=3), FaultKind.DUPLICATE, {"copies": 3}),
        (FAULTS.error("a", "No"), FaultKind.ERROR, {"text": "No"}),
        (FAULTS.refuse(reason="No"), FaultKind.REFUSE, {"text": "No"}),
        (FAULTS.limit(max_payload=1), FaultKind.LIMIT, {"max_payload": 1}),
        (FAULTS.lame_duck(), FaultKind.LAME_DUCK, {}),
        (FAULTS.stall(), FaultKind.STALL, {}),
        (FAULTS.stall(seconds=1), FaultKind.STALL, {"seconds": 1}),
    ],
)
def test_each_call_describes_a_fault(spec: FaultSpec, kind: FaultKind, effect: dict[str, object]) -> None:
    """Its kind, and what it does."""
    assert (kind, effect) == (spec.kind, spec.effect)


def test_what_is_chosen() -> None:
    """Counts are separate from links and messages; a queue means deliveries, a stall both directions."""
    spec = specify(FaultKind.DROP, "a.*", {"client": "c", "every": 3, "times": 1})

    assert (Selector(subject="a.*", client="c"), Count(every=3, times=1)) == (spec.selector, spec.count)
    assert (OUT, BOTH) == (FAULTS.drop(queue="q").selector.direction, FAULTS.stall().selector.direction)
    with pytest.raises(ValueError, match="counts from 1 on"):
        FAULTS.drop(on=0)


def test_a_rule_is_made_of_it() -> None:
    """With all that was described."""
    rule = FAULTS.delay("a", seconds=2, times=1).rule(lambda work: work())

    assert (FaultKind.DELAY, 2, [True, False]) == (
        rule.kind,
        rule.seconds,
        [rule.strikes() for _ in range(2)],
    )
