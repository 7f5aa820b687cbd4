"""Unit tests of finding an authenticator by its name."""

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Protocol

import pytest

from app.adapters.auth.guard import GuardedAuthenticator, GuardedFunction
from app.adapters.auth.loading import load_authenticator
from app.domain.events import Event
from app.ports.authenticator import Authenticator, AuthError


class Write(Protocol):
    """Writes a module that can be imported for the length of the test."""

    def __call__(self, name: str, text: str) -> None:
        """`name` with its dots, and the program."""
        ...


@pytest.fixture(name="write")
def _write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(name: str, text: str) -> None:
        path = tmp_path / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def load(name: str) -> Authenticator:
    """Load it; nothing may be reported meanwhile."""
    return load_authenticator(name, 1.0, _unexpected)


def _unexpected(event: Event) -> None:
    pytest.fail(event.text())


def complaint(name: str) -> str:
    """Why it cannot be loaded, in one line."""
    with pytest.raises(AuthError) as raised:
        load(name)
    text = str(raised.value)
    assert "\n" not in text
    assert repr(name) in text
    return text


FUNCTIONS = {
    "async function": "async def it(credentials): return True",
    "factory of one": """
        def it():
            async def check(credentials): return True
            return check
        """,
    "lambda that makes one": """
        async def check(credentials): return True
        it = lambda: check
        """,
    "function with a setting bound": """
        from functools import partial
        async def check(table, credentials): return True
        it = partial(check, {})
        """,
    "object that is called": """
        class Check:
            async def __call__(self, credentials): return True
        it = Check()
        """,
    "class of such": """
        class it:
            async def __call__(self, credentials): return True
        """,
    "bound method": """
        class Table:
            async def check(self, credentials): return True
        it = Table().check
        """,
}

AUTHENTICATORS = {
    "class": """
        class it:
            required = True
            def check(self, credentials, answer): answer(None)
            def close(self): pass
        """,
    "factory": """
        from app.adapters.auth.authenticators import AllowAll
        def it(): return AllowAll()
        """,
}


@pytest.mark.parametrize("text", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_what_judges_as_an_async_function(write: Write, text: str) -> None:
    """An async function in any dress is taken, and guarded."""
    write("mine", text)

    assert isinstance(load("mine:it"), GuardedFunction)


@pytest.mark.parametrize("text", AUTHENTICATORS.values(), ids=AUTHENTICATORS.keys())
def test_what_is_written_to_the_port(write: Write, text: str) -> None:
    """An authenticator that a class or a factory makes is taken, and guarded."""
    write("mine", text)

    assert isinstance(load("mine:it"), GuardedAuthenticator)


def test_a_module_in_a_package(write: Write) -> None:
    """Packages are written with dots."""
    write("ours.__init__", "")
    write("ours.listeners", "async def it(credentials): return True")

    assert isinstance(load("ours.listeners:it"), GuardedFunction)


@pytest.mark.parametrize(
    "name", ["mine", "mine:", ":it", ":", "", "mine.it", "my-module:it", "a..b:it", ".a:it"]
)
def test_a_name_of_another_form(name: str) -> None:
    """A name that is not written as module and factory is refused, and the form is shown."""
    assert "must be written package.module:factory" in complaint(name)


def test_a_module_that_is_not_there(write: Write) -> None:
    """The module that is missing is named, and what to do about it."""
    write("ours.__init__", "")

    assert "there is no module 'nowhere'; install it, or" in complaint("nowhere:it")
    assert "there is no module 'nowhere'" in complaint("nowhere.listeners:it")
    assert "there is no module 'ours.listeners'" in complaint("ours.listeners:it")


def test_a_module_that_misses_another(write: Write) -> None:
    """When the module is there and something it imports is not, the complaint is about that."""
    write("mine", "import surely_nowhere")

    assert "importing mine failed with ModuleNotFoundError: No module named 'surely_nowhere'" in complaint(
        "mine:it"
    )


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("1 / 0", "importing mine failed with ZeroDivisionError: division by zero"),
        ("raise SystemExit", "importing mine failed with SystemExit"),
        ("def", "importing mine failed with SyntaxError: "),
        ("raise ValueError('two\\nlines')", "importing mine failed with ValueError: two lines"),
    ],
    ids=["error", "exit", "syntax", "lines"],
)
def test_a_module_that_fails(write: Write, text: str, part: str) -> None:
    """What importing raises is reported in one line."""
    write("mine", text)

    assert part in complaint("mine:it")


def test_a_name_the_module_does_not_have(write: Write) -> None:
    """The module and what it lacks are named."""
    write("mine", "")

    assert "module 'mine' has no 'it'" in complaint("mine:it")


def test_what_cannot_be_called(write: Write) -> None:
    """A thing that is neither function nor factory is refused by its type."""
    write("mine", "it = 5")

    assert "is of type int and cannot be called; it must be an async function" in complaint("mine:it")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("def it(): return 1 / 0", "calling it failed with ZeroDivisionError: division by zero"),
        ("def it(credentials): return True", "missing 1 required positional argument: 'credentials'"),
    ],
    ids=["error", "plain function"],
)
def test_a_factory_that_fails(write: Write, text: str, part: str) -> None:
    """The error has what calling it raises, and what it must be; a plain function is no factory."""
    write("mine", text)

    assert part in complaint("mine:it")
    assert complaint("mine:it").endswith("or a factory that takes no arguments and returns one")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("def it(): return None", "NoneType"),
        ("def it(): return True", "bool"),
        ("def it(): return lambda credentials: True", "function"),
        ("def it(): return object()", "object"),
        ("class it: required = True", "it"),
        ("class it:\n  required = 1\n  def check(self, c, a): pass\n  def close(self): pass", "it"),
        ("class it:\n  required = True\n  check = 5\n  def close(self): pass", "it"),
    ],
)
def test_a_factory_that_makes_something_else(write: Write, text: str, kind: str) -> None:
    """What it made is named by its type, and the error says what it must make."""
    write("mine", text)

    assert f"returned an object of type {kind}; it must return an async function" in complaint("mine:it")
