"""Certificate watch: reloads when the files of a section `tls` change (`tls_reload: auto`)."""

import asyncio
from collections.abc import Callable

from ..adapters.process.file_watch import changes
from ..config.options import Options
from ..config.sections.leaf_nodes import LeafRemoteTlsOptions
from ..config.sections.tls import TlsOptions
from .certificate_dates import sections_with_tls


def certificate_paths(options: Options) -> frozenset[str]:
    """All files of the sections ``tls`` that are in use."""
    sections: list[TlsOptions | LeafRemoteTlsOptions] = [*sections_with_tls(options).values()]
    sections += [remote.tls for remote in options.leafnodes.in_use if remote.tls is not None]
    return frozenset(
        path
        for section in sections
        for path in (section.cert_file, section.key_file, section.ca_file)
        if path
    )


async def watch_certificates(options: Callable[[], Options], changed: Callable[[], None]) -> None:
    """Call `changed` each time when files of the options that are in force have changed; it does not end.

    A reload may name other files: those are read once more, as they may have changed since.
    """
    async for _ in changes(lambda: certificate_paths(options()), asyncio.Event()):
        changed()
