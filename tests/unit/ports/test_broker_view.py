"""The port of those who watch a broker, and who implements it."""

import pytest

from app.domain.monitoring.view import LiveView
from app.ports import broker_view
from app.ports.broker_view import BrokerView
from tests.fakes.broker_view import FakeBrokerView
from tests.fakes.contracts import breaches


@pytest.mark.parametrize("implementation", [LiveView, FakeBrokerView])
def test_implementations(implementation: type) -> None:
    """The broker's view and its fake have all methods of the port, with its arguments."""
    assert [] == breaches(BrokerView, implementation)


def test_the_types_of_answers() -> None:
    """All types that appear in answers can be imported from the port."""
    assert [] == [name for name in broker_view.__all__ if not hasattr(broker_view, name)]
