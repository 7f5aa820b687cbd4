"""The one thing that pyproject.toml cannot say: the compiled twin of the data plane, and other compiled code.

Without a C compiler the installation goes on, says so, and the server runs on the
plain twin. ``REQUIRE_NATIVE=1`` makes a missing build an error instead.
``SANITIZE=1`` builds for the address sanitizer, which `make fuzz` uses.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

_REQUIRED = os.environ.get("REQUIRE_NATIVE") == "1"
_SANITIZED = os.environ.get("SANITIZE") == "1"


class BuildIfPossible(build_ext):
    """Turns a failed build into one line, unless the build is required."""

    def build_extension(self, ext: Extension) -> None:
        """Compile one extension."""
        try:
            super().build_extension(ext)
        except (BaseError, CCompilerError, OSError) as error:
            if _REQUIRED:
                raise
            self.warn(f"{ext.name} is not compiled, so the server will run on plain Python: {error}")


_FLAGS = ["-O1", "-g", "-fsanitize=address", "-fno-omit-frame-pointer"] if _SANITIZED else ["-O3"]

# Named, so that a change to any of them builds again, and all go where the sources go.
_PLANE = Path("app/domain/dataplane")
_PARTS = [str(path) for path in sorted([*_PLANE.glob("*.pyx"), *_PLANE.glob("*.pxi")])]

_FRAMES = "app/adapters/net_asyncio/native_frames.pyx"
_ENCODING = "app/adapters/streams_log/native_encoding.pyx"
_RECORDS = "app/adapters/streams_log/native_records.pyx"

_native = cythonize(
    [
        Extension(name, [source], depends=parts, extra_compile_args=_FLAGS, extra_link_args=_FLAGS[2:3])
        for name, source, parts in (
            ("pynatsd.domain.dataplane.native", str(_PLANE / "native.pyx"), _PARTS),
            ("pynatsd.adapters.net_asyncio.native_frames", _FRAMES, [_FRAMES]),
            ("pynatsd.adapters.streams_log.native_encoding", _ENCODING, [_ENCODING]),
            ("pynatsd.adapters.streams_log.native_records", _RECORDS, [_RECORDS]),
        )
    ],
    quiet=True,
)
for _extension in _native:
    _extension.optional = not _REQUIRED  # cythonize does not hand it on

setup(
    package_dir={"pynatsd": "app"},
    packages=["pynatsd", *(f"pynatsd.{name}" for name in find_packages("app"))],
    ext_modules=_native,
    cmdclass={"build_ext": BuildIfPossible},
)
