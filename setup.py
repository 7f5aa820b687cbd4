"""The one thing that pyproject.toml cannot say: the compiled twin of the data plane, and other compiled code.

Without a C compiler the installation goes on, says so, and the server runs on the
plain twin. ``REQUIRE_NATIVE=1`` makes a missing build an error instead.
``SANITIZE=1`` builds the twin alone, for the address sanitizer, which `make fuzz` uses.
``COMPILE=0`` leaves all compiled code out: `make install` compiles it by itself, once, while
the tools are downloaded.
"""

import os
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

_REQUIRED = os.environ.get("REQUIRE_NATIVE") == "1"
_SANITIZED = os.environ.get("SANITIZE") == "1"
_COMPILED = os.environ.get("COMPILE") != "0"


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


# Flags of Python itself may ask for debug information: six sevenths of a module. Names of functions stay.
_FLAGS = ["-O3", "-g0"]
if _SANITIZED:
    # The sanitizer checks bounds at run time; the warnings of the compiler at this level are wrong.
    _FLAGS = ["-O1", "-g", "-fsanitize=address", "-fno-omit-frame-pointer", "-Wno-array-bounds"]

# Named, so that a change to any of them builds again, and all go where the sources go.
_PLANE = Path("app/domain/dataplane")
_PARTS = [str(path) for path in sorted([*_PLANE.glob("*.pyx"), *_PLANE.glob("*.pxi")])]

_FRAMES = "app/adapters/net_asyncio/native_frames.pyx"
_ENCODING = "app/adapters/streams_log/native_encoding.pyx"
_STORING = "app/adapters/streams_log/native_storing.pyx"
_JOBS = "app/adapters/files_os/native_jobs.pyx"
_RECORD = "app/adapters/streams_log/message_record.pxi"
_RECORDS = "app/adapters/streams_log/native_records.pyx"
_CHECKSUM = "app/adapters/streams_log/crc32.pxi"

_SOURCES = {
    "pynatsd.domain.dataplane.native": (str(_PLANE / "native.pyx"), _PARTS),
    "pynatsd.adapters.files_os.native_jobs": (_JOBS, [_JOBS]),
    "pynatsd.adapters.net_asyncio.native_frames": (_FRAMES, [_FRAMES]),
    "pynatsd.adapters.streams_log.native_encoding": (_ENCODING, [_ENCODING, _RECORD, _CHECKSUM]),
    "pynatsd.adapters.streams_log.native_storing": (
        _STORING,
        [_STORING, _RECORD, _CHECKSUM, "app/adapters/streams_log/slots.pxi"],
    ),
    "pynatsd.adapters.streams_log.native_records": (_RECORDS, [_RECORDS, _CHECKSUM]),
}


def _extensions() -> list[Extension]:
    """What is to be compiled, as C."""
    if not _COMPILED:
        return []
    from Cython.Build import cythonize  # noqa: PLC0415 - not needed where nothing is compiled

    native: list[Extension] = cythonize(
        [
            Extension(name, [source], depends=parts, extra_compile_args=_FLAGS, extra_link_args=_FLAGS[2:3])
            for name, (source, parts) in list(_SOURCES.items())[: 1 if _SANITIZED else None]
        ],
        quiet=True,
    )
    for extension in native:
        extension.optional = not _REQUIRED  # cythonize does not hand it on
    return native


setup(
    package_dir={"pynatsd": "app"},
    packages=["pynatsd", *(f"pynatsd.{name}" for name in find_packages("app"))],
    ext_modules=_extensions(),
    cmdclass={"build_ext": BuildIfPossible},
)
