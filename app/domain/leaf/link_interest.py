"""Link interest: subscriptions counted by subject and queue group, as leaf links announce them.

Each link hears of a subject once, and of a queue group with the number of its members. How many
there are depends on the link: what it has announced itself does not count, nor does what a link of
the same cluster has, and a hub hears of nothing that other servers of this cluster have said.

What clients subscribe to under `LOOP_SUBJECTS` is not announced: a server that hears its own subject
takes the link for a loop and closes it, and clients can find out what that subject is.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from ..interest.subscription import Subscription
from ..peer_kind import PeerKind, heard_by
from .lines import LOOP_SUBJECTS, added_line, removed_line

_Name = tuple[bytes, bytes | None]
_Source = tuple[PeerKind, int, bytes | None]
"""The kind of a peer, the number of a leaf link or 0, and the cluster that it speaks for."""


class EstablishedLink(Protocol):
    """A leaf link whose handshake is over."""

    @property
    def kind(self) -> PeerKind:
        """What its other end is."""
        ...

    @property
    def number(self) -> int:
        """Of the connection."""
        ...

    @property
    def cluster_tag(self) -> bytes:
        """The cluster of the other end, in short."""
        ...

    def announces(self, subject: bytes) -> bool:
        """Whether the other end may send anything that this subject covers."""
        ...

    def announce(self, line: bytes) -> None:
        """Send a line, with the next flush."""
        ...


class _Record:
    """How many listen to one subject, in one queue group or in none, by where they are."""

    __slots__ = ("clients", "others", "routed")

    def __init__(self) -> None:
        self.clients = 0
        self.routed = 0
        """At other servers of this cluster."""
        self.others: dict[_Source, int] | None = None
        """At the ends of leaf links, here and at other servers of this cluster."""

    def add(self, source: _Source, count: int) -> None:
        """Let there be this many more, or fewer."""
        kind, _, via = source
        if kind is PeerKind.CLIENT:
            self.clients += count
        elif via is None:
            self.routed += count
        else:
            self._add_other(source, count)

    def _add_other(self, source: _Source, count: int) -> None:
        if self.others is None:
            self.others = {}
        left = self.others.get(source, 0) + count
        if left:
            self.others[source] = left
        else:
            self.others.pop(source, None)

    @property
    def is_empty(self) -> bool:
        """Whether there are no subscriptions."""
        return not (self.clients or self.routed or self.others)

    def count_for(self, link: EstablishedLink) -> int:
        """How many there are for one link."""
        kinds = heard_by(link.kind)
        count = self.clients + (self.routed if PeerKind.ROUTE in kinds else 0)
        for (kind, number, via), listeners in (self.others or {}).items():
            if kind in kinds and number != link.number and not _is_same_cluster(link, via):
                count += listeners
        return count


def _is_same_cluster(link: EstablishedLink, via: bytes | None) -> bool:
    return link.kind is PeerKind.LEAF and via == link.cluster_tag


class LinkInterest:
    """All interest, and the links that hear of it. Implements `Listing`."""

    def __init__(self) -> None:
        self._records: dict[_Name, _Record] = {}
        self._links: dict[int, EstablishedLink] = {}

    def added(self, subscription: Subscription) -> None:
        """See `Listing`; one at a link of another server counts for all that it stands for."""
        self._change(subscription, _weight_of(subscription))

    def removed(self, subscription: Subscription) -> None:
        """See `Listing`; a queue member at the end of a link goes with all that it stood for."""
        record = self._records.get((subscription.subject, subscription.queue))
        others = record.others if record is not None else None
        source = _source_of(subscription)
        of_link = others is not None and source[1] and others.get(source, 0)
        self._change(subscription, -(of_link or _weight_of(subscription)))

    def weighed(self, subscription: Subscription, more: int) -> None:
        """A queue member at the end of a link stands for more members than before; see `added`."""
        self._change(subscription, more)

    def _change(self, subscription: Subscription, count: int) -> None:
        name = subscription.subject, subscription.queue
        source = _source_of(subscription)
        if source[2] is None and name[0].startswith(LOOP_SUBJECTS):
            return
        record = self._records.get(name)
        if record is None:
            record = self._records[name] = _Record()
        links = self._concerned(record, source, name, count)
        before = [record.count_for(link) for link in links]
        record.add(source, count)
        for link, old in zip(links, before, strict=True):
            line = _line_for(name, old, record.count_for(link))
            if line and link.announces(name[0]):
                link.announce(line)
        if record.is_empty:
            del self._records[name]

    def _concerned(
        self, record: _Record, source: _Source, name: _Name, count: int
    ) -> Sequence[EstablishedLink]:
        """The links to announce it to; a second subscription to the same subject is not announced."""
        if name[1] is None and record.clients > (source[0] is PeerKind.CLIENT and count < 0):
            return ()
        return list(self._links.values())

    def open(self, link: EstablishedLink) -> None:
        """Let it hear of changes from now on; what is there already is `lines_for` it."""
        self._links[link.number] = link

    def close(self, link: EstablishedLink) -> None:
        """Announce nothing more to this link."""
        self._links.pop(link.number, None)

    def lines_for(self, link: EstablishedLink) -> Iterator[bytes]:
        """A line for all that it is to hear of, as it is when the line is made; empty for other interest."""
        for name in list(self._records):
            record = self._records.get(name)
            count = record.count_for(link) if record is not None else 0
            yield added_line(*name, count) if count and link.announces(name[0]) else b""

    def __len__(self) -> int:
        """How many subjects and queue groups there are."""
        return len(self._records)


def _line_for(name: _Name, old: int, new: int) -> bytes:
    """The line for a link when the number changes; empty for none."""
    if not new:
        return removed_line(*name) if old else b""
    if name[1] is None:
        return b"" if old else added_line(*name, 1)
    return added_line(*name, new) if old != new else b""


def _weight_of(subscription: Subscription) -> int:
    """How many members it stands for when it comes; what our own links have is weighed after that."""
    subscriber = subscription.subscriber
    if subscriber.kind is not PeerKind.ROUTE or subscription.via is None or subscription.queue is None:
        return 1
    return subscriber.weight(subscription.sid)


def _source_of(subscription: Subscription) -> _Source:
    subscriber = subscription.subscriber
    kind = subscriber.kind
    number = subscriber.number if kind in (PeerKind.LEAF, PeerKind.HUB) else 0
    return kind, number, subscription.via
