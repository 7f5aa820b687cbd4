"""Leaf links: between the server that is measured and the peer, or between two of a kind."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
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


def linked_to_peer(contender: Contender, *, as_hub: bool) -> AbstractContextManager[Pair]:
    """The contender, near, and the peer, far; raises `CannotStart` or `RowFailed`."""
    return linked(contender, Contender(PEER, (str(find_peer()),)), as_hub=as_hub)


@contextmanager
def linked(one: Contender, other: Contender, *, as_hub: bool) -> Iterator[Pair]:
    """One server, near, and another, far, joined by a link; raises `CannotStart` or `RowFailed`.

    The other is a leaf if the one is the hub, and the other way round.
    """
    hub, leaf = (one, other) if as_hub else (other, one)
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
            pair = Pair(near.port, far.port, near.pid)
            pair.settle()
            yield pair
