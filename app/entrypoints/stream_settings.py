"""Options of JetStream turned into plain values, and what of them depends on the machine."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from ..config.options import Options
from ..config.sections.jetstream import JetStreamOptions
from ..domain.jetstream.settings import API_LEVEL, JetStreamSettings
from ..domain.protocol.encode import ServerInfo

SHARE = 0.75
"""Of the machine's memory, and of the free space of the disk, that streams may take."""

SUBDIRECTORY = "jetstream"


def stream_settings(options: Options, info: ServerInfo, *, in_memory: bool = False) -> JetStreamSettings:
    """What JetStream is configured to be; `in_memory` has it keep all streams there."""
    section = options.jetstream or JetStreamOptions.unset()
    directory = "" if in_memory else store_directory(options)
    limits = section.limits
    return JetStreamSettings(
        server_name=info.server_name or info.server_id,
        server_id=info.server_id,
        version=info.version,
        domain=section.domain or "",
        store_dir=directory,
        max_memory=section.max_mem or _memory(),
        max_storage=section.max_file or (_free_space(directory) if directory else _memory()),
        sync_interval=section.sync_interval,
        request_queue_limit=section.request_queue_limit,
        max_ack_pending=max(0, limits.max_ack_pending),
        max_request_batch=max(0, limits.max_request_batch),
        duplicate_window=round(limits.duplicate_window * 1e9),
        api_level=API_LEVEL,
    )


def store_directory(options: Options) -> str:
    """Where the files of streams are; that of the system for temporary files, where none is given."""
    given = options.streams_dir or str(Path(tempfile.gettempdir()) / "nats")
    return str(Path(given) / SUBDIRECTORY)


def _memory() -> int:
    """The share of the machine's memory; no limit where that is not known."""
    with suppress(OSError, ValueError):
        return int(SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return -1


def _free_space(directory: str) -> int:
    """The share of what is free where the directory is, or will be."""
    place = Path(directory)
    for each in (place, *place.parents):
        with suppress(OSError, ValueError):  # the second: no name of a file
            return int(SHARE * shutil.disk_usage(each).free)
    return -1
