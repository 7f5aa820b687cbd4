"""The choice of the data plane's twin."""

import sys
from types import ModuleType

import pytest

from app.domain.dataplane import DataPlaneUnavailable, choose
from app.domain.dataplane.reference import DataPlane

NATIVE_MODULE = "app.domain.dataplane.native"


class _Compiled:
    """Stands for the compiled twin's class."""


def named(name: str) -> tuple[str, object]:
    """What `choose` answers, without the type that it claims for a twin's class."""
    return choose(name)


@pytest.fixture(name="built")
def _built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it seem that the compiled twin is built."""
    module = ModuleType(NATIVE_MODULE)
    module.DataPlane = _Compiled  # type: ignore[attr-defined]  # a module made by hand
    monkeypatch.setitem(sys.modules, NATIVE_MODULE, module)


@pytest.fixture(name="missing")
def _missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it seem that the compiled twin is not built."""
    monkeypatch.setitem(sys.modules, NATIVE_MODULE, None)


@pytest.mark.usefixtures("built")
def test_the_plain_twin_by_its_name() -> None:
    """``python`` is the plain twin, whatever else is there."""
    assert ("python", DataPlane) == named("python")


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("name", ["native", "auto"])
def test_the_compiled_twin_where_it_is_built(name: str) -> None:
    """``native`` and ``auto`` are the compiled twin."""
    assert ("native", _Compiled) == named(name)


@pytest.mark.usefixtures("missing")
def test_auto_falls_back() -> None:
    """``auto`` is the plain twin where the compiled one is not built, and the answer says so."""
    assert ("python", DataPlane) == named("auto")


@pytest.mark.usefixtures("missing")
def test_native_never_falls_back() -> None:
    """Asking for a compiled twin that is not built is an error that says what to do."""
    with pytest.raises(DataPlaneUnavailable, match="install a C compiler and reinstall, or choose python"):
        choose("native")


def test_an_unknown_name() -> None:
    """A name that no twin has is an error that lists the choices."""
    with pytest.raises(
        DataPlaneUnavailable, match="unknown data plane 'fast': choose auto, native or python"
    ):
        choose("fast")
