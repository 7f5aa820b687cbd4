"""The compiled twin when memory is short: each allocation that fails costs one connection at most."""

import subprocess
import sys

import pytest

from app.domain.dataplane import NATIVE
from tests.support.twins import twins

_testcapi = pytest.importorskip("_testcapi", reason="this interpreter has no allocator that fails")

pytestmark = pytest.mark.skipif(NATIVE not in twins(), reason="the native twin is not built")

SCRIPT = """
import gc, sys
from _testcapi import set_nomemory, remove_mem_hooks
from app.domain.dataplane import choose
from app.domain.dataplane.seam import Progress
from tests.fakes.data_plane import Stage

FEEDS = [
    b"PUB foo 5\\r\\nhello\\r\\nPUB foo   5\\r\\nhello\\r\\n",
    b"PUB foo 3000\\r\\n" + 3000 * b"a" + b"\\r\\n",
    b"PUB foo 20000\\r\\n" + 20000 * b"b" + b"\\r\\n" + b"PUB foo 1\\r\\nx\\r\\n",
    20 * (b"PUB foo 700\\r\\n" + 700 * b"c" + b"\\r\\n"),
    b"PUB bar.1 0\\r\\n\\r\\nPUB bar.2 0\\r\\n\\r\\n",
]

def whole(stream):
    # Every message that was begun is complete, and of the expected bytes.
    while stream:
        line, found, rest = stream.partition(b"\\r\\n")
        words = line.split()
        assert found and words[0] == b"MSG" and words[1] == b"foo", line[:50]
        size = int(words[-1])
        assert len(set(rest[:size])) <= 4 and rest[size:size + 2] == b"\\r\\n", (line, rest[:20])
        stream = rest[size + 2:]

failed = 0
for start in range(int(sys.argv[1]), int(sys.argv[2])):
    stage = Stage(choose("native")[1])
    sender, receivers = stage.station(), [stage.station() for _ in range(3)]
    stage.subscribe(b"foo", *(one.target() for one in receivers))
    gc.collect()
    set_nomemory(start, start + 1)
    try:
        for data in FEEDS:
            sender.feed(data)
            stage.plane.flush()
    except MemoryError:
        failed += 1
    finally:
        remove_mem_hooks()
    # What was left by the failure is handed over; the one that failed has had its error.
    after = stage.station()
    after.feed(FEEDS[3] + FEEDS[2])
    stage.plane.flush()
    for one in receivers:
        stream = one.wire.heard()
        if not one.owner.failures:
            whole(stream)
            assert stream.endswith(b"MSG foo 1 1\\r\\nx\\r\\n")
            assert 0 == one.outbox.pending(), one.outbox.pending()
        failed += len(one.owner.failures)
print(failed)
"""


def test_failed_allocations() -> None:
    """Whichever allocation fails, outboxes stay consistent, and what is published next arrives."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "0", "400"], capture_output=True, text=True, check=False
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert 100 < int(done.stdout)
