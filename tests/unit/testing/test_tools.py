"""Small tools for tests."""

import socket
from typing import Self

import pytest

from app.testing import free_port, wait_for


@pytest.mark.asyncio
async def test_waiting() -> None:
    """For a function, or a coroutine function; the last value is shown when it takes too long."""
    values = [0, 0, 1]

    async def answer() -> int:
        return 1

    await wait_for(lambda: values.pop(0))
    await wait_for(answer)
    with pytest.raises(TimeoutError, match="the last value is ''"):
        await wait_for(lambda: "", timeout=0)


def test_a_free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """The port that the system gives."""

    class FakeListener:
        """Listens at port 7."""

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_exc: object) -> None:
            pass

        def getsockname(self) -> tuple[str, int]:
            """Where it listens."""
            return ("127.0.0.1", 7)

    monkeypatch.setattr(socket, "create_server", lambda _address: FakeListener())

    assert free_port() == 7


def test_names_of_the_package() -> None:
    """A name that does not exist is an error, as in any module."""
    import app.testing  # noqa: PLC0415 - to ask it

    with pytest.raises(AttributeError, match="'nothing'"):
        app.testing.nothing  # noqa: B018 - it raises
