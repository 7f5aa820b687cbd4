"""What holds for every test.

Property tests draw the same examples in every run. Servers that tests start obey SIGINT:
a shell ignores it for what it runs in the background, and whoever is started inherits that.
"""

import signal

from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=5000, deadline=None, print_blob=True)
settings.load_profile("steady")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
