"""The class that hooks of an operator extend."""

from app.domain.hooks.decisions import Refuse
from app.domain.hooks.hook_event import HookClient, HookEvent, HookPoint
from app.ports.hooks import Hooks


def test_it_allows_everything() -> None:
    """Methods that are not overridden answer nothing, and what is not said has a default."""
    hooks, event = Hooks(), HookEvent(HookClient(1, "", "", ""))

    assert {None} == {getattr(hooks, point.value)(event) for point in HookPoint}
    assert ((">",), 2.0, False) == (hooks.patterns, hooks.time_limit, hooks.shadow)
    assert isinstance(hooks.on_error, Refuse)
