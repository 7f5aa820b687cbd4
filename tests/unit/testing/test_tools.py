"""Small tools for tests."""

import pytest

from app.testing import wait_for


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


def test_names_of_the_package() -> None:
    """A name that does not exist is an error, as in any module."""
    import app.testing  # noqa: PLC0415 - to ask it

    with pytest.raises(AttributeError, match="'nothing'"):
        app.testing.nothing  # noqa: B018 - it raises
