"""Traced messages in clusters: some seeds of the play, and defects that it finds."""

import pytest

from app.domain.broker import Broker
from app.domain.dataplane import choose
from app.domain.message_trace.event import TraceEvent
from app.domain.message_trace.request import TraceRequest
from tests.simulation.mutants import altered
from tests.simulation.oracle import Violation
from tests.simulation.server import MakeBroker
from tests.simulation.traced_play import TracedPlay
from tests.support.twins import twins

SEEDS = range(12)


@pytest.mark.parametrize("faults", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_each_event_comes_once(seed: int, faults: bool) -> None:  # noqa: FBT001 - a row of the table
    """At most once with faults; without them exactly once, and each receiver that is named has got it."""
    for twin in twins():
        play = TracedPlay(seed, choose(twin)[1])
        play.run(faults=faults)

        assert any(len(message.events) > (not faults) for message in play.messages)


def _defective(how: str) -> MakeBroker:
    """Makes brokers that lose every other event, or send it twice."""

    def alter(broker: Broker) -> None:
        tracing = broker.tracing
        if tracing is None:
            return
        send, counts = tracing._send, iter(range(10**9))  # noqa: SLF001 - the defect is there

        def send_altered(event: TraceEvent, request: TraceRequest) -> None:
            for _ in range(2 if how == "twice" else next(counts) % 2):
                send(event, request)

        tracing._send = send_altered  # type: ignore[method-assign] # noqa: SLF001 - the same

    return altered(alter)


@pytest.mark.parametrize(("how", "promise"), [("lost", "exactly once"), ("twice", "at most once")])
def test_defects_are_found(how: str, promise: str) -> None:
    """Events that are lost, or sent twice, break a promise."""
    with pytest.raises(Violation, match=f"^{promise}"):
        TracedPlay(0, choose(twins()[-1])[1], _defective(how)).run(faults=False)
