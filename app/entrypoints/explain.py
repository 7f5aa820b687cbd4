"""``pynatsd explain``: whether a user may publish and subscribe to a subject, and the rule that decides."""

import json
import os
from collections import deque
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ValidationError

from ..adapters.hooks.setup import check_hooks, load_hooks
from ..adapters.process.standard_streams import complain, say
from ..config.errors import ConfigError
from ..config.flag_syntax import UsageError, Value, boolean, file_name, integer, scan, stray_word, string
from ..config.flags import CONFIG_FILE, Flag
from ..config.help.usage import rows
from ..config.load import load
from ..config.options import Options
from ..domain.hooks.report import report_on
from ..domain.permissions.configured_users import UnknownUser
from ..domain.permissions.explanation import SubjectRights, explain
from ..domain.permissions.rules import entry
from ..domain.protocol.quoting import quoted_text
from ..domain.text import printable
from ..ports.hooks import HooksError
from .settings import configured_users, hook_settings

WORD = "explain"
"""The first word of the command line."""

_ALLOWED, _DENIED, _MISUSED = 0, 1, 2

_SECONDS = 10
_MOST_BYTES = 16 * 1024 * 1024

_BLOCKS: Mapping[str, Sequence[Flag]] = {
    "Who": (
        Flag("--user USER", string, "A user, or public nkey; '' for a client without credentials", ("user",)),
        Flag("--cid CID", integer, "A client of the server, by its number", ("cid",)),
        Flag("--queue GROUP", string, "The queue group of the subscription", ("queue",)),
    ),
    "Where the rules are": (
        Flag("-c, --config FILE", file_name, "In this file; no server is needed", (CONFIG_FILE,)),
        Flag("--server URL", string, "In a server, by its monitoring address", ("server",)),
    ),
    "Help": (Flag("-h, --help", boolean, "Print this text", ("help",)),),
}
_FLAGS = {name: flag for block in _BLOCKS.values() for flag in block for name in flag.names}
_READERS = {name: flag.read for name, flag in _FLAGS.items()}

_USAGE = f"""\
Usage: pynatsd {WORD} --user USER SUBJECT -c FILE
       pynatsd {WORD} --user USER SUBJECT --server URL

Says whether the user may publish and subscribe to the subject, and which rule decides.
Hooks that see the subject are named. With a server, it also lists who gets a message on the subject.

    pynatsd {WORD} --user alice orders.new -c /etc/pynatsd/pynatsd.conf
    pynatsd {WORD} --cid 7 orders.new --server http://127.0.0.1:8222

{rows(_BLOCKS, {})}\
Exit status: 0 if publishing is allowed, 1 if it is not, 2 if there is no answer.
"""


class _NoAnswer(Exception):
    """The text says why."""


class _Verdict(BaseModel):
    allowed: bool
    rule: str
    left_out: list[str] = []


class _Denial(BaseModel):
    at: str
    denied: str


class _Subscription(BaseModel):
    subject: str
    queue: str
    cid: int
    name: str


class _Group(BaseModel):
    queue: str
    members: int
    routes: list[int]


class _Route(BaseModel):
    rid: int
    remote_id: str
    name: str


class _Hooks(BaseModel):
    name: str
    sees: list[str]
    patterns: list[str]
    shadow: bool


class _Page(BaseModel):
    """What is shown of the page ``/explain``."""

    publish: _Verdict
    subscribe: _Verdict
    denials: list[_Denial] = []
    hooks: _Hooks | None = None
    num_subscriptions: int
    num_queue_groups: int
    subscriptions: list[_Subscription]
    queue_groups: list[_Group]
    routes: list[_Route]


def run_explain(words: Sequence[str]) -> int:
    """Answer the question of these words, which follow `WORD`; return the exit status."""
    try:
        given, subjects = _parse(words)
        if given.get("help"):
            return _ALLOWED if say(_USAGE) else _MISUSED
        subject = _checked(given, subjects)
        if "server" in given:
            allowed, lines = _of_server(given, subject)
        else:
            allowed, lines = _of_file(given, subject)
    except (UsageError, ConfigError, UnknownUser, _NoAnswer) as error:
        complain(f"{error}\n")
        return _MISUSED
    if not say("".join(f"{printable(line)}\n" for line in lines)):
        return _MISUSED
    return _ALLOWED if allowed else _DENIED


def _parse(words: Sequence[str]) -> tuple[Mapping[str, Value], Sequence[str]]:
    """Flags, which may follow the subject too, and the words that are none. Raises `UsageError`."""
    left = deque(words)
    given: dict[str, Value] = {}
    plain: list[str] = []
    while left:
        before = len(left)
        for name, value in scan(left, _READERS):
            given[_FLAGS[name].sets[0]] = value
        if left and words[len(words) - len(left) - 1] == "--" and len(left) != before:
            return given, [*plain, *left]
        if left:
            plain.append(left.popleft())
    return given, plain


def _checked(given: Mapping[str, Value], subjects: Sequence[str]) -> str:
    """The subject. Raises `UsageError` unless there is one question, to one side."""
    if not subjects:
        raise UsageError("no subject is given; see pynatsd explain --help")
    if len(subjects) > 1:
        raise stray_word(subjects[1], "give one subject")
    if (CONFIG_FILE in given) == ("server" in given):
        raise UsageError("give either a file with -c, or a server with --server")
    if ("user" in given) == ("cid" in given):
        raise UsageError("give either --user or --cid")
    if "cid" in given and "server" not in given:
        raise UsageError("--cid needs --server: only a server knows its connections")
    subject, queue = subjects[0], str(given.get("queue", ""))
    if not _is_word(subject):
        raise UsageError(f"{quoted_text(subject)} is not a valid subject")
    if queue and not _is_word(queue):
        raise UsageError(f"{quoted_text(queue)} is not a valid queue group")
    return subject


def _is_word(text: str) -> bool:
    """Whether a subscription can have it."""
    try:
        entry(text)
    except ValueError:
        return False
    return True


def _of_file(given: Mapping[str, Value], subject: str) -> tuple[bool, list[str]]:
    """Raises `ConfigError` and `UnknownUser`."""
    loaded = load({CONFIG_FILE: given[CONFIG_FILE]}, os.environ)
    permissions = configured_users(loaded.options).find(str(given["user"]))
    queue = str(given.get("queue", ""))
    rights = explain(permissions, _bytes(subject), _bytes(queue) or None)
    return rights.publish.allowed, [*_verdicts(_rights(rights)), *_hooks_of_file(loaded.options, subject)]


def _hooks_of_file(options: Options, subject: str) -> list[str]:
    """What hooks see: they are made for that, as a start would do."""
    settings = hook_settings(options)
    try:
        checked = check_hooks(load_hooks(settings), settings)
    except HooksError as error:
        return [f"hooks: {error}"]
    report = None if checked is None else report_on(checked.terms, _bytes(subject))
    if report is None:
        return []
    return _hooks(
        _Hooks(
            name=report.name, sees=list(report.points), patterns=list(report.patterns), shadow=report.shadow
        )
    )


def _hooks(hooks: _Hooks) -> list[str]:
    patterns = f", by {' and '.join(hooks.patterns)}" if hooks.patterns else ""
    shadow = ", in shadow: what they answer is only logged" if hooks.shadow else ""
    return [f"hooks: {hooks.name} see {' and '.join(hooks.sees)}{patterns}{shadow}"]


def _rights(rights: SubjectRights) -> tuple[_Verdict, _Verdict]:
    publish, subscribe = (
        _Verdict(allowed=one.allowed, rule=one.rule, left_out=list(one.left_out))
        for one in (rights.publish, rights.subscribe)
    )
    return publish, subscribe


def _of_server(given: Mapping[str, Value], subject: str) -> tuple[bool, list[str]]:
    """Raises `UsageError` and `_NoAnswer`."""
    asked = {name: str(given[name]) for name in ("user", "cid", "queue") if name in given}
    url = _address(str(given["server"]))
    text = _read(f"{url}/explain?{urlencode({**asked, 'subject': subject}, errors='surrogateescape')}")
    try:
        page = _Page.model_validate(json.loads(text))
    except (ValueError, ValidationError):
        raise _NoAnswer(f"{url} has no page /explain; is it the monitoring address of pynatsd?") from None
    hooks = [] if page.hooks is None else _hooks(page.hooks)
    return page.publish.allowed, [*_verdicts((page.publish, page.subscribe)), *hooks, *_receivers(page)]


def _address(text: str) -> str:
    """The address without what follows the port. Raises `UsageError`."""
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not parts.username:
            return f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        pass
    raise UsageError("--server needs a monitoring address, such as http://127.0.0.1:8222")


def _read(url: str) -> bytes:
    """A page; no proxy is used, since the address is that of a server of one's own. Raises `_NoAnswer`."""
    import urllib.error  # noqa: PLC0415 - a server does without
    import urllib.request  # noqa: PLC0415 - the same

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_SECONDS) as response:
            page: bytes = response.read(_MOST_BYTES)
            return page
    except urllib.error.HTTPError as error:
        line = error.read(_MOST_BYTES).decode("utf-8", "replace").strip()
        raise _NoAnswer(printable(line.partition("\n")[0]) or f"{url}: status {error.code}") from None
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise _NoAnswer(f"cannot read {url.partition('/explain')[0]}: {reason}") from None


def _verdicts(verdicts: tuple[_Verdict, _Verdict]) -> list[str]:
    lines = []
    for name, verdict in zip(("publish", "subscribe"), verdicts, strict=True):
        lines.append(f"{name}: {'allowed' if verdict.allowed else 'not allowed'}, {verdict.rule}")
        lines += [f"  without {each}" for each in verdict.left_out]
    return lines


def _receivers(page: _Page) -> list[str]:
    lines = [f"denied at {one.at}: {one.denied}" for one in page.denials]
    lines.append(f"subscriptions: {page.num_subscriptions}")
    for one in page.subscriptions:
        queue = f" queue {one.queue}" if one.queue else ""
        name = f' name "{one.name}"' if one.name else ""
        lines.append(f"  {one.subject}{queue} cid {one.cid}{name}")
    lines.append(f"queue groups: {page.num_queue_groups}")
    lines += [
        f"  {group.queue} members {group.members} routes {len(group.routes)}" for group in page.queue_groups
    ]
    lines.append(f"routes: {len(page.routes)}")
    return [*lines, *(f"  rid {route.rid} {route.name or route.remote_id}" for route in page.routes)]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
