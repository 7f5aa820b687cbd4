# Types of the compiled functions; see `run_encoding.RunEncoder`.

from ...domain.dataplane.incoming_run import IncomingRun
from .run_encoding import Chain, EncodedRun, Links

def encode_run(run: IncomingRun, start: int, chain: Chain) -> EncodedRun: ...
def links(ids: bytes, first: int, subjects: int) -> Links: ...
