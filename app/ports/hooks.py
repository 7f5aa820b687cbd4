"""Hooks: code of an operator that sees what clients do, and decides (ADR 0047).

`Hooks` is what the operator's code extends. The domain needs no more than `HookCaller`. An adapter
promises in addition

    * to give one outcome for each call, at once or later on the loop's own thread;
    * never to raise, whatever the operator's code does;
    * to end what it has begun: a call that takes too long is cancelled, and has failed.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from ..domain.hooks.decisions import Allow, Refuse, Rewrite
from ..domain.hooks.gate import HookCaller
from ..domain.hooks.hook_event import HookEvent

Decided = Allow | Refuse | Rewrite | None
HookAnswer = Decided | Awaitable[Decided]
"""What a method answers: plain functions at once, async ones later. None allows."""

TIME_LIMIT = 2.0
"""Seconds that a hook may take by default."""


class HooksError(Exception):
    """The hooks of an operator cannot be used; the text says what to do."""


class Hooks:
    """Extend it, and override the methods that are of interest. The others are never called.

    Each may be a plain function or an async one. A plain one must not block: it would hold the server.
    """

    patterns: Sequence[str] = (">",)
    """Subjects, perhaps with wildcards, whose messages `publish` and `deliver` see."""
    time_limit: float = TIME_LIMIT
    """Seconds that an answer may take."""
    on_error: Allow | Refuse = Refuse("a hook failed")
    """The answer where a method raises, takes too long, or answers nonsense."""
    shadow: bool = False
    """Whether answers are logged alone, and change nothing."""

    def connect(self, event: HookEvent) -> HookAnswer:
        """A client has logged in. A refusal closes its connection."""

    def disconnect(self, event: HookEvent) -> HookAnswer:
        """A client that was in has gone. The answer does not matter."""

    def subscribe(self, event: HookEvent) -> HookAnswer:
        """A client wants to subscribe."""

    def publish(self, event: HookEvent) -> HookAnswer:
        """A client has published a message, which nobody has yet. It may be rewritten."""

    def deliver(self, event: HookEvent) -> HookAnswer:
        """`event.client` is about to get a message. It may be rewritten, for this client alone."""


class HookRunner(HookCaller, Protocol):
    """Calls the operator's code for as long as the server runs."""

    async def close(self) -> None:
        """Wait for the calls under way, for a bounded time, and cancel the others."""
        ...
