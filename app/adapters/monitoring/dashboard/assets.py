"""The files of the page, read once. They need no build step and no network."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

PAGE = "dashboard.html"
STREAMS_PAGE = "streams.html"

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page may load its own files and request its own feed, and nothing else."""

HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    body: bytes
    media_type: str
    etag: str


class Assets(Mapping[str, Asset]):
    """All files of the page by name."""

    def __init__(self) -> None:
        self._assets = {
            file.name: _asset(file.name, file.read_bytes())
            for file in files(__package__).joinpath("static").iterdir()
        }
        everything = "".join(sorted(asset.etag for asset in self._assets.values()))
        self.edition = sha256(everything.encode()).hexdigest()[:16]
        """Differs between versions of the page."""

    def __getitem__(self, name: str) -> Asset:
        return self._assets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._assets)

    def __len__(self) -> int:
        return len(self._assets)


def _asset(name: str, body: bytes) -> Asset:
    suffix = name[name.rindex(".") :]
    return Asset(body, _TYPES[suffix], f'"{sha256(body).hexdigest()[:32]}"')
