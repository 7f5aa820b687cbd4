"""Calls into the event loop of another thread, from a loop or from plain code."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future, wait
from typing import Any, TypeVar

T = TypeVar("T")

_CHECK_SECONDS = 0.001
_CHECK_ALIVE_SECONDS = 0.5

_FORKED = "the server runs in the process that has forked this one: use it there"


def do_in(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> Any:  # noqa: ANN401 - see below
    """Run `work` in `loop`: return its result, or where a loop is running something to await for it.

    It runs whether it is awaited or not. In place of None there is something that can be awaited by
    the loop of another library, such as trio.
    """
    if loop.is_closed():
        work.close()
        raise RuntimeError("the server is not running")
    future = asyncio.run_coroutine_threadsafe(work, loop)
    if not is_in_loop():
        result = _result(future, loop)
        return Completed() if result is None else result
    wrapped = asyncio.wrap_future(future)
    wrapped.add_done_callback(_drop_exception)
    return wrapped


def _result(future: Future[T], loop: asyncio.AbstractEventLoop) -> T:
    """What becomes of work for a loop in another thread, which may end before the work begins."""
    while not future.done():
        wait([future], _CHECK_ALIVE_SECONDS)
        if loop.is_closed() and not future.done():
            raise RuntimeError("the server is not running: it was stopped meanwhile")
    return future.result()


class Completed:
    """Nothing to wait for; it can be awaited nevertheless."""

    def __await__(self) -> Iterator[None]:
        return iter(())


def asyncio_loop(what: str, instead: str) -> asyncio.AbstractEventLoop:
    """The running loop of asyncio. Raises `RuntimeError` if there is none: trio has none."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(f"{what} needs an event loop of asyncio, and none is running: {instead}") from None


def is_in_loop() -> bool:
    """Whether this code is run by an event loop of asyncio."""
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
        self._is_ending = False
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
        if self._is_of_another_process():
            work.close()
            raise RuntimeError(_FORKED)
        return do_in(self.loop, work)

    def begin(self, work: Coroutine[Any, Any, T]) -> Any:  # noqa: ANN401 - as `do_in`
        """The same for the first piece of work: if it fails, the loop and the thread end."""
        return self._until_ended(self._first(work), lambda: self._is_ending)

    def end(self, work: Coroutine[Any, Any, T]) -> Any:  # noqa: ANN401 - as `do_in`
        """The same for the last piece of work: the loop and the thread end after it."""
        return self._until_ended(self._last(work), lambda: True)

    def _until_ended(self, work: Coroutine[Any, Any, T], is_last: Callable[[], bool]) -> Any:  # noqa: ANN401
        """As `do_in`, but if that is the last piece of work, it is over when the thread is."""
        if is_in_loop():
            done = asyncio.ensure_future(self._ended(self.do(work), is_last))
            done.add_done_callback(_drop_exception)
            return done
        try:
            return self.do(work)
        finally:
            if is_last():
                self._thread.join()

    async def _ended(self, done: Awaitable[T], is_last: Callable[[], bool]) -> T:
        try:
            return await done
        finally:
            while is_last() and self._thread.is_alive():  # noqa: ASYNC110 - to join would block the loop
                await asyncio.sleep(_CHECK_SECONDS)

    async def _first(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await work
        except BaseException:
            await self._stop()
            raise

    async def _last(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await work
        finally:
            await self._stop()

    async def _stop(self) -> None:
        self._is_ending = True
        await self.loop.shutdown_default_executor()
        self.loop.call_later(0, self.loop.stop)

    def call(self, work: Callable[[], T]) -> T:
        """Call `work` in the thread, and return its result."""
        if threading.current_thread() is self._thread or self.loop.is_closed():
            return work()
        if self._is_of_another_process():
            raise RuntimeError(_FORKED)
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it is raised for the caller
                future.set_exception(error)

        self.loop.call_soon_threadsafe(run)
        return _result(future, self.loop)

    def _is_of_another_process(self) -> bool:
        """Whether this is a child of a fork, which does not have the thread: calls would wait forever."""
        return not self._thread.is_alive() and not self.loop.is_closed()
