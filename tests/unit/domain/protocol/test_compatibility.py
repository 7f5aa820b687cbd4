"""Which server's wire is spoken."""

from app.domain.dataplane.seam import MakePlane
from app.domain.protocol.compatibility import Compatibility
from tests.support.virtual_broker import BrokerSetup, VirtualBroker


def test_the_values_are_those_of_a_configuration() -> None:
    """An option's value names one of them."""
    assert {"current", "0.8.0"} == {each.value for each in Compatibility}


def test_a_broker_speaks_the_old_wire_unless_it_is_asked_otherwise(make_plane: MakePlane) -> None:
    """The switch reaches all that serve a peer by way of the broker."""
    setup = BrokerSetup(compatibility=Compatibility.CURRENT)

    assert VirtualBroker(make_plane).broker.compatibility is Compatibility.GNATSD
    assert VirtualBroker(make_plane, setup=setup).broker.compatibility is Compatibility.CURRENT
