"""From a configured path to a listening unix socket, and the process at the other end of a link.

Nobody can connect to a socket that does not listen, so the file gets its mode and group
between ``bind`` and ``listen``. A file that a server left when it was killed is replaced;
a lock on the directory keeps two servers that start at once from replacing each other's.
See docs/adr/0042.
"""

import asyncio
import contextlib
import errno
import fcntl
import grp
import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

from ...domain.security.link_security import PeerCredentials
from ...domain.sessions.wire import UNIX, PeerAddress
from ...domain.value_object import value_object
from ...ports.transport import ListenError
from .listening_socket import plain_reason

LONGEST_PATH = 107
"""Bytes; Linux has 108 with the zero at the end (unix(7))."""

LOCK_SECONDS = 2.0
"""How long another server in the same directory may take to open its socket."""

_LOCK_CHECK_SECONDS = 0.01
_LARGEST_GROUP = 2**32 - 2
_CREDENTIALS = struct.Struct("3i")

Identity = tuple[int, int]
"""Device and number of a file: whether a path still leads to it."""


@value_object
class UnixSocketSettings:
    """Where to listen, and who may connect."""

    path: str
    mode: int = 0o660
    """Permissions of the file: users that may write to it may connect."""
    group: str | None = None
    """Name or number of the group of the file; None for that of the process."""


async def listening_unix_socket(settings: UnixSocketSettings, backlog: int) -> tuple[socket.socket, Identity]:
    """Bind and listen; a socket on which no process listens is replaced. Raises `ListenError`."""
    path = Path(settings.path)
    _check(path)
    group = group_number(settings.group)
    try:
        with await _locked(path.parent):
            return _bound(settings, group, backlog)
    except OSError as error:
        raise ListenError(_reason(error, settings)) from None


def _bound(settings: UnixSocketSettings, group: int | None, backlog: int) -> tuple[socket.socket, Identity]:
    """Raises `OSError` or `ListenError`, and leaves no file of its own then."""
    path = Path(settings.path)
    if _is_stale(path):
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    identity = None
    try:
        listening.settimeout(0)
        listening.bind(settings.path)
        identity = _identity(path)
        if group is not None:
            os.chown(path, -1, group, follow_symlinks=False)
        path.chmod(settings.mode)
        listening.listen(backlog)
    except OSError:
        listening.close()
        if identity is not None:
            remove(settings.path, identity)
        raise
    return listening, identity


def remove(path: str, identity: Identity) -> None:
    """Remove the file of a socket, unless another one has taken its place."""
    with contextlib.suppress(OSError):
        if _identity(Path(path)) == identity:
            Path(path).unlink()


def obstacle(settings: UnixSocketSettings) -> str:
    """Why `listening_unix_socket` would fail, in plain words; empty if nothing is known. Makes nothing.

    A socket that somebody listens at is no obstacle: the server to be restarted may do so.
    """
    path = Path(settings.path)
    try:
        _check(path)
        group = group_number(settings.group)
        _is_stale(path, live_is_fine=True)
    except ListenError as error:
        return str(error)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return f"cannot make a file in {path.parent}: {os.strerror(errno.EACCES).lower()}"
    if group is not None and os.geteuid() and group not in {os.getegid(), *os.getgroups()}:
        return _not_in_group(settings.group)
    return ""


def group_number(group: str | None) -> int | None:
    """The number of a group that is given by its name or number. Raises `ListenError`."""
    if group is None:
        return None
    if group.isdecimal() and int(group) <= _LARGEST_GROUP:
        return int(group)
    try:
        return grp.getgrnam(group).gr_gid
    except (KeyError, ValueError):
        raise ListenError(f'there is no group "{group}"; create it, or choose another one') from None


def peer_of(accepted: socket.socket) -> PeerAddress:
    """The process at the other end, as the system knew it when it connected; see unix(7), SO_PEERCRED."""
    option = getattr(socket, "SO_PEERCRED", None)  # Linux has it
    if option is None:
        return PeerAddress(UNIX, 0)
    answer = accepted.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size)
    return PeerAddress(UNIX, 0, PeerCredentials(*_CREDENTIALS.unpack(answer)))


def _check(path: Path) -> None:
    if "\0" in str(path):
        raise ListenError("a path has no zero byte; choose another one")
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise ListenError(f"the path is longer than {LONGEST_PATH} bytes; choose a shorter one")
    if not path.parent.is_dir():
        raise ListenError(f"there is no directory {path.parent}; create it, or choose another path")


def _is_stale(path: Path, *, live_is_fine: bool = False) -> bool:
    """Whether there is a socket that nobody listens at.

    Raises `ListenError` for what must not be replaced.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ListenError(plain_reason(error)) from None
    if not stat.S_ISSOCK(mode):
        raise ListenError("a file exists that is not a socket; remove it, or choose another path")
    reason = _probe(path)
    if reason in (errno.ECONNREFUSED, errno.ENOENT):
        return reason == errno.ECONNREFUSED
    if reason in (errno.EACCES, errno.EPERM):
        raise ListenError(
            "a socket exists that this user may not connect to; remove it, or choose another path"
        )
    if not live_is_fine:
        raise ListenError("another process listens there; stop it, or choose another path")
    return False


def _probe(path: Path) -> int:
    """Connect, and answer how that failed; 0 if it did not."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        return probe.connect_ex(str(path))


def _identity(path: Path) -> Identity:
    found = path.lstat()
    return found.st_dev, found.st_ino


def _reason(error: OSError, settings: UnixSocketSettings) -> str:
    if error.errno == errno.EPERM and settings.group is not None:
        return _not_in_group(settings.group)
    return plain_reason(error)


def _not_in_group(group: str | None) -> str:
    return f'this user is not in the group "{group}"; add it, or choose another group'


async def _locked(directory: Path) -> contextlib.AbstractContextManager[None]:
    """Keep other servers from opening sockets in a directory; where locks do not work there are none.

    Raises `ListenError` when another process keeps the lock.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return contextlib.nullcontext()
    try:
        async with asyncio.timeout(LOCK_SECONDS):
            while not _try_lock(descriptor):  # noqa: ASYNC110 - the system announces no lock
                await asyncio.sleep(_LOCK_CHECK_SECONDS)
    except TimeoutError:
        os.close(descriptor)
        raise ListenError("another process has locked the directory; try again, or stop it") from None
    except BaseException:
        os.close(descriptor)
        raise
    return _closing(descriptor)


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    """Whether the lock is ours, or there can be none."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
