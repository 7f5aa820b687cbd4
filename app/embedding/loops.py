"""Work for the loop of another thread, asked for with a loop of one's own or without."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


def do_in(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> Any:  # noqa: ANN401 - see below
    """Run `work` in `loop`: return its result, or where a loop is running something to await for it.

    It runs whether it is awaited or not.
    """
    future = asyncio.run_coroutine_threadsafe(work, loop)
    if not is_in_loop():
        return future.result()
    wrapped = asyncio.wrap_future(future)
    wrapped.add_done_callback(_drop_exception)
    return wrapped


def is_in_loop() -> bool:
    """Whether this code is run by an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _drop_exception(done: "asyncio.Future[Any]") -> None:
    if not done.cancelled():
        done.exception()


def run_without_loop(work: Callable[[], T]) -> T:
    """Call `work`, which waits where no loop runs, as if none did: in a thread, if one does."""
    if not is_in_loop():
        return work()
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised for the caller
            future.set_exception(error)

    thread = threading.Thread(target=run, name="pynatsd-wait")
    thread.start()
    thread.join()
    return future.result()


class LoopThread:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="pynatsd", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            asyncio.set_event_loop(None)
            self.loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> Any:  # noqa: ANN401 - as `do_in`
        """See `do_in`."""
        return do_in(self.loop, work)

    def end(self, work: Coroutine[Any, Any, T]) -> Any:  # noqa: ANN401 - as `do_in`
        """The same for the last piece of work: the loop and the thread end after it."""
        done = self.do(self._last(work))
        if not is_in_loop():
            self._thread.join()
        return done

    async def _last(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await work
        finally:
            await self.loop.shutdown_default_executor()
            self.loop.call_later(0, self.loop.stop)

    def call(self, work: Callable[[], T]) -> T:
        """Call `work` in the thread, and return its result."""
        if threading.current_thread() is self._thread or self.loop.is_closed():
            return work()
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it is raised for the caller
                future.set_exception(error)

        self.loop.call_soon_threadsafe(run)
        return future.result()
