"""A leaf link between the server that is measured and the peer; either of them is the hub."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from app.testing import free_port
from benchmarks.cluster import Pair
from benchmarks.servers import PEER, Contender, RunningServer, find_peer


def hub_file(port: int) -> str:
    """The configuration of a server that accepts leaves."""
    return f'server_name: bench-hub\nleafnodes {{ listen: "127.0.0.1:{port}" }}\n'


def leaf_file(port: int) -> str:
    """The configuration of a server that joins it."""
    return (
        f'server_name: bench-leaf\nleafnodes {{ remotes = [ {{ url: "nats-leaf://127.0.0.1:{port}" }} ] }}\n'
    )


@contextmanager
def linked(contender: Contender, *, as_hub: bool) -> Iterator[Pair]:
    """The contender, near, and the peer, far, joined by a link; raises `CannotStart` or `RowFailed`.

    The peer is a leaf if the contender is the hub, and the other way round.
    """
    peer = Contender(PEER, (str(find_peer()),))
    hub, leaf = (contender, peer) if as_hub else (peer, contender)
    port = free_port()
    with TemporaryDirectory(prefix="benchmark-leaf-") as folder:
        files = [Path(folder) / name for name in ("hub.conf", "leaf.conf")]
        for file, text in zip(files, (hub_file(port), leaf_file(port)), strict=True):
            file.write_text(text, encoding="utf-8")
        with (
            RunningServer(hub, "-c", str(files[0])) as above,
            RunningServer(leaf, "-c", str(files[1])) as below,
        ):
            near, far = (above, below) if as_hub else (below, above)
            pair = Pair(near.port, far.port)
            pair.settle()
            yield pair
