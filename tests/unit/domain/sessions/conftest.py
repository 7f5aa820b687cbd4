"""Fixtures that the tests of flow control share."""

import pytest

from tests.fakes.flow_peer import FlowPeer
from tests.support.flow_scene import Scene


@pytest.fixture(name="scene")
def _scene() -> Scene:
    return Scene()


@pytest.fixture(name="publisher")
def _publisher(scene: Scene) -> FlowPeer:
    return scene.peer()


@pytest.fixture(name="receiver")
def _receiver(scene: Scene) -> FlowPeer:
    return scene.peer()


@pytest.fixture(name="congested")
def _congested(scene: Scene, publisher: FlowPeer, receiver: FlowPeer) -> FlowPeer:
    """A congested receiver, with `publisher` held for it."""
    scene.congest(receiver, publisher)
    return receiver
