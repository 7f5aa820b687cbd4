"""What holds for every test.

Property tests draw the same examples in every run. Programs that tests start obey their
signals: a shell ignores SIGINT for what it runs in the background, and ``nohup`` SIGHUP,
and a program that is started inherits that.
"""

import signal

from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None, max_examples=60)
settings.register_profile("explore", max_examples=5000, deadline=None, print_blob=True)
settings.register_profile("quick", derandomize=True, deadline=None, max_examples=20)
settings.load_profile("steady")

for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)
