# Types of the compiled functions; see `run_encoding.RunEncoder`.

from ...domain.dataplane.incoming_run import IncomingRun
from .run_encoding import Chain, EncodedRun, Links

def encode_run(run: IncomingRun, start: int, chain: Chain) -> EncodedRun: ...
def encode_message(
    kind: int,
    epoch: int,
    sequence: int,
    time: int,
    subject: bytes,
    headers: bytes,
    payload: bytes,
    removed: int,
    before: int,
    seed: int,
    /,
) -> tuple[bytes, int]: ...
def links(ids: bytes, first: int, subjects: int) -> Links: ...
