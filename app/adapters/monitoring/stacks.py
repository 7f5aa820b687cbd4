"""Stack traces of all threads and tasks, for the report of a defect."""

import asyncio
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from itertools import chain
from types import FrameType

from ...ports.broker_view import Steps

_MOST_TASKS = 200


def stacks() -> Steps[str]:
    """The stack traces as text, without values, so without secrets."""
    parts = []
    for part in chain(_threads(), _tasks()):
        parts.append(part)
        yield
    return "\n\n".join(parts) + "\n"


def _threads() -> Iterator[str]:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for number, frame in sys._current_frames().items():  # noqa: SLF001 - documented, for this use
        yield _described(f"thread {names.get(number, number)}", traceback.walk_stack(frame))


def _tasks() -> Iterator[str]:
    tasks = list(asyncio.all_tasks())
    for task in tasks[:_MOST_TASKS]:
        frames = [(frame, frame.f_lineno) for frame in task.get_stack()]
        yield _described(f"task {task.get_name()}", reversed(frames))
    if len(tasks) > _MOST_TASKS:
        yield f"and {len(tasks) - _MOST_TASKS} more tasks"


def _described(what: str, frames: Iterable[tuple[FrameType, int]]) -> str:
    lines = [f"{what}:"]
    lines += [f"\t{frame.f_code.co_filename}:{line} {frame.f_code.co_qualname}" for frame, line in frames]
    return "\n".join(lines)
