"""The command that explains."""

import json
from pathlib import Path

import pytest

from app.domain.hooks.hook_event import HookEvent
from app.entrypoints import explain
from app.entrypoints.command import run_command
from app.entrypoints.explain import run_explain
from app.ports.hooks import HookAnswer, Hooks

ALLOWED, DENIED, MISUSED = 0, 1, 2
VERDICTS = ("publish", "subscribe")

CONFIGURATION = """
authorization { users: [
  { user: alice, password: s3cr3t, permissions: { publish: "a.*", subscribe: { deny: ["c.d", "e q"] } } }
  { user: bob, password: s3cr3t }
] }
"""

PAGE = {
    "publish": {"allowed": False, "rule": 'publish.deny "a"'},
    "subscribe": {"allowed": True, "rule": "no rule denies it"},
    "denials": [{"at": "2026-01-01T00:00:00Z", "denied": 'Publish to "x"'}],
    "hooks": {"name": "policy:make", "sees": ["publish"], "patterns": ["a", ">"], "shadow": True},
    "num_subscriptions": 2,
    "num_queue_groups": 1,
    "subscriptions": [
        {"subject": "a", "queue": "", "cid": 5, "name": "bil\x1bling"},
        {"subject": "*", "queue": "q", "cid": 6, "name": ""},
    ],
    "queue_groups": [{"queue": "q", "members": 1, "routes": [9]}],
    "routes": [{"rid": 9, "remote_id": "ID", "name": ""}],
    "later": 1,
}


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> str:
    path = tmp_path / "x.conf"
    path.write_text(CONFIGURATION, "utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (
            ["--user", "alice", "a.b"],
            ALLOWED,
            'publish: allowed, publish.allow "a.*"\nsubscribe: allowed, no rule denies it\n',
        ),
        (
            ["b", "--user", "alice"],
            DENIED,
            "publish: not allowed, no rule allows it\nsubscribe: allowed, no rule denies it\n",
        ),
        (
            ["--user=alice", "e", "-queue", "q"],
            DENIED,
            'publish: not allowed, no rule allows it\nsubscribe: not allowed, subscribe.deny "e q"\n',
        ),
        (
            ["--user", "alice", "--", "c.*"],
            DENIED,
            "publish: not allowed, no rule allows it\nsubscribe: allowed, no rule denies it\n  without c.d\n",
        ),
        (
            ["--user", "bob", ">"],
            ALLOWED,
            "".join(f"{one}: allowed, no permissions: everything is allowed\n" for one in VERDICTS),
        ),
    ],
)
def test_a_file(
    file: str, words: list[str], status: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rules of a file are explained without a server, wherever the flags are."""
    assert status == run_command(["explain", "-c", file, *words], {})

    assert (text, "") == capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "no subject is given; see pynatsd explain --help"),
        (["a", "b"], 'unexpected argument "b": give one subject; see --help'),
        (["a", "--user", "u"], "give either a file with -c, or a server with --server"),
        (["a", "--user", "u", "-c", "f", "--server", "h"], "give either a file with -c, or a server"),
        (["a", "-c", "f"], "give either --user or --cid"),
        (["a", "--user", "u", "--cid", "7", "--server", "h"], "give either --user or --cid"),
        (["a", "--cid", "7", "-c", "f"], "--cid needs --server"),
        (["a..b", "--user", "u", "-c", "f"], '"a..b" is not a valid subject'),
        (["a\n", "--user", "u", "-c", "f"], '"a\\n" is not a valid subject'),
        (["a", "--user", "u", "-c", "f", "--queue", "x y"], '"x y" is not a valid queue group'),
        (["a", "--user", "u", "-c", "/no/such/file"], "error opening config file"),
        (["a", "--pass", "u"], "flag provided but not defined: -pass"),
        (["a", "--user", "u", "--server", "ftp://h"], "--server needs a monitoring address"),
        (["a", "--user", "u", "--server", "http://h:x"], "--server needs a monitoring address"),
        (["a", "--user", "u", "--server", "http://u:p@h"], "--server needs a monitoring address"),
    ],
)
def test_misuse(words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A question that cannot be answered ends in one line and a status of its own."""
    assert MISUSED == run_explain(words)

    output, errors = capsys.readouterr()
    assert ("", 1) == (output, len(errors.splitlines()))
    assert errors.startswith(text)


def test_an_unknown_user(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """There is no verdict about a user that the file does not have."""
    assert MISUSED == run_explain(["--user", "eve", "a", "-c", file])

    assert ("", 'user "eve" is not in the configuration\n') == capsys.readouterr()


def test_a_server(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The page of a server is read and shown, and nothing in it reaches the terminal raw."""
    asked: list[str] = []

    def read(url: str) -> bytes:
        asked.append(url)
        return json.dumps(PAGE).encode()

    monkeypatch.setattr(explain, "_read", read)

    assert DENIED == run_explain(["--cid", "7", "a&b", "--queue", "q", "--server", "127.0.0.1:8222/"])

    assert ["http://127.0.0.1:8222/explain?cid=7&queue=q&subject=a%26b"] == asked
    assert (
        'publish: not allowed, publish.deny "a"\n'
        "subscribe: allowed, no rule denies it\n"
        "hooks: policy:make see publish, by a and >, in shadow: what they answer is only logged\n"
        'denied at 2026-01-01T00:00:00Z: Publish to "x"\n'
        "subscriptions: 2\n"
        '  a cid 5 name "bil\\x1bling"\n'
        "  * queue q cid 6\n"
        "queue groups: 1\n"
        "  q members 1 routes 1\n"
        "routes: 1\n"
        "  rid 9 ID\n" == capsys.readouterr().out
    )


class Policy(Hooks):
    """Hooks that a file names."""

    patterns = ("a.>",)

    def deliver(self, event: HookEvent) -> HookAnswer:
        """Allow."""


@pytest.mark.parametrize(
    ("factory", "subject", "line"),
    [
        (f"{__name__}:Policy", "a.b", f"hooks: {__name__}:Policy see deliver, by a.>\n"),
        (f"{__name__}:Policy", "b", ""),
        ("no_such:make", "a", "hooks: hooks factory 'no_such:make': there is no module 'no_such'; "),
    ],
)
def test_hooks_of_a_file(
    factory: str, subject: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are named if they see the subject; why they cannot be made is said, and the rest as well."""
    path = tmp_path / "x.conf"
    path.write_text(f"hooks {{ factory: {json.dumps(factory)} }}", "utf-8")

    assert ALLOWED == run_explain(["-c", str(path), "--user", "", subject])
    _, _, *hooks = capsys.readouterr().out.splitlines(keepends=True)
    assert "".join(hooks).startswith(line)
    assert bool(line) == bool(hooks)


@pytest.mark.parametrize("page", [b"", b"<html>", b"{}", b"\xff"])
def test_another_server(
    page: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is no explanation is no verdict."""
    monkeypatch.setattr(explain, "_read", lambda _: page)

    assert MISUSED == run_explain(["--user", "u", "a", "--server", "http://h:1"])
    assert "has no page /explain" in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    """The help names the flags and the exit status."""
    assert ALLOWED == run_explain(["--help"])

    text = capsys.readouterr().out
    assert text.startswith("Usage: pynatsd explain --user USER SUBJECT -c FILE\n")
    assert "--server URL" in text


def test_output_that_fails(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An answer that was not written is none."""
    monkeypatch.setattr(explain, "say", lambda _: False)

    assert MISUSED == run_explain(["--user", "bob", "a", "-c", file])
    assert MISUSED == run_explain(["--help"])
    assert ("", "") == capsys.readouterr()
