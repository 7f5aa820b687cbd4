"""Hook runners of one server: the current hooks, and replaced ones until their calls have ended."""

import asyncio

from .setup import OpenHooks


class HookRunners:
    """There is one for each server, whether it has hooks or not."""

    def __init__(self, opened: OpenHooks | None) -> None:
        self.opened = opened
        """The hooks in use."""
        self._closing: set[asyncio.Task[None]] = set()

    def switch(self, opened: OpenHooks | None) -> None:
        """Use others, and let the calls of those before end."""
        before, self.opened = self.opened, opened
        if before is not None:
            closing = asyncio.get_running_loop().create_task(before.runner.close())
            self._closing.add(closing)  # the loop itself keeps no task alive
            closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Wait for the calls under way, for a bounded time, and cancel the others."""
        self.switch(None)
        if self._closing:
            await asyncio.wait(self._closing)
