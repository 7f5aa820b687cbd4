"""What holds for every test.

Property tests draw the same examples in every run. Programs that tests start obey their
signals: a shell ignores SIGINT for what it runs in the background, and ``nohup`` SIGHUP,
and a program that is started inherits that. The garbage collector passes over what the
collection of tests made, which is millions of objects that stay until the end.
"""

import gc
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None, max_examples=60)
settings.register_profile("explore", max_examples=5000, deadline=None, print_blob=True)
settings.register_profile("quick", derandomize=True, deadline=None, max_examples=20)
settings.load_profile("steady")

for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[None]:
    """Collect tests without the garbage collector, and keep them out of its sight after that."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
