"""The twins of the data plane, as tests run over them."""

import os

from app.domain.dataplane import NATIVE, PYTHON, DataPlaneUnavailable, choose


def twins() -> list[str]:
    """Names of the twins that run here.

    With ``REQUIRE_NATIVE=1`` the compiled one is among them even where it is not
    built, so that its tests fail instead of being left out.
    """
    if os.environ.get("REQUIRE_NATIVE") == "1" or _is_built(NATIVE):
        return [PYTHON, NATIVE]
    return [PYTHON]


def _is_built(name: str) -> bool:
    try:
        choose(name)
    except DataPlaneUnavailable:
        return False
    return True
