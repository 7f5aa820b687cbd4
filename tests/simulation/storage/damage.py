"""``python -m tests.simulation.storage.damage``: damage a small store at each place, and open it.

Whatever is damaged, no wrong byte is delivered, no message is lost but those that were touched, what is
lost is reported, and no file is gone. The exit status is 0 if that holds, otherwise 1.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from app.adapters.clock_manual import ManualClock
from app.adapters.streams_log.checking import check_store, save_store
from app.adapters.streams_log.file_head import read_head, records_after_head, salt_of
from app.adapters.streams_log.record import ERASED, FOOT, MESSAGE, REMOVING_MESSAGE
from app.adapters.streams_log.scan import scan
from app.adapters.streams_log.storage import FileStorage, StoreSettings
from app.domain.jetstream.storage.seam import StoredMessage
from tests.fakes.disk import FakeDisk, StepWorker
from tests.support.store import SMALL, Store, contents, fill

Contents = dict[int, StoredMessage | str]
SIZES = SMALL._replace(segment=600, journal=500, ahead=512)
NAME = "S"


class Broken(AssertionError):
    """Damage has cost more than it may."""


class Touched:
    """What was changed of one file: a range of its bytes."""

    def __init__(self, file: str, *ranges: tuple[int, int]) -> None:
        self.file = file
        self.ranges = ranges

    def overlaps(self, start: int, end: int) -> bool:
        """Whether some of these bytes were changed."""
        return any(first < end and start < last for first, last in self.ranges)


@dataclass(frozen=True)
class Damage:
    """A way to damage a store."""

    kind: str
    touched: Touched
    change: Callable[[FakeDisk], None]


class Image:
    """A small store, and what is in each of its bytes."""

    def __init__(self, *, closed: bool) -> None:
        """`closed`: its server has ended in order, so all of it is known to be safe."""
        store = Store(sizes=SIZES)
        stream = store.create(NAME)
        store.create("T")
        consumer = stream.write_consumer("C", {"name": "C"})
        for part in range(5):
            fill(stream, 4, payload=b"payload %d" % part, time=1000 * part)
            consumer.append(b"ack %d" % part)
            store.commit(stream)
        self.old = store.disk.copy()
        stream.log.append(b"s.1", b"", b"rolls up", 9000, removes=[2, 3])
        stream.log.remove([5], erase=True)
        stream.log.remove([7, 8])
        store.commit(stream)
        fill(stream, 3, payload=b"last", time=9001)
        store.commit(stream)
        self.last_batch = {stream.log.last - 2, stream.log.last - 1, stream.log.last}
        if closed:
            self.last_batch = set()
            store.storage.close()
        self.disk = store.disk.copy()
        self.whole = contents(stream)
        self.removed = set(range(1, stream.log.last + 1)) - set(self.whole)
        self.records = dict(self._records())

    def _records(self) -> Iterator[tuple[int, tuple[str, int, int]]]:
        """Where each message is."""
        for name, node in self.disk.files().items():
            if not name.endswith(".segment"):
                continue
            data = bytes(node.data)
            head = read_head(data)
            assert head is not None
            salt = salt_of(head.identity, "segment", head.number)
            start, before = records_after_head(data, salt, 0)
            for record in scan(data, start, before, salt, synced=0).records:
                assert record.kind in (MESSAGE, REMOVING_MESSAGE, ERASED, FOOT)
                if record.sequence in self.whole and record.kind != FOOT:
                    yield record.sequence, (name, record.offset, record.end)

    def touched_messages(self, touched: Touched) -> set[int]:
        """The messages that may be lost."""
        found = {
            sequence
            for sequence, (name, start, end) in self.records.items()
            if name == touched.file and touched.overlaps(start, end)
        }
        return found | (self.last_batch if self.is_newest(touched.file) else set())

    def is_newest(self, name: str) -> bool:
        """Whether it is the last segment."""
        return name == max(file for file, _, _ in self.records.values())


def flips(image: Image, every: int, random: Random | None = None) -> Iterator[Damage]:
    """Each bit of each byte, or one of them by chance; of every byte of this number."""
    for name, node in image.disk.files().items():
        for at in range(0, len(node.data), every):
            for bit in [random.randrange(8)] if random is not None else range(8):

                def change(disk: FakeDisk, name: str = name, at: int = at, bit: int = bit) -> None:
                    disk.files()[name].data[at] ^= 1 << bit

                yield Damage("flip", Touched(name, (at, at + 1)), change)


def cuts(image: Image, every: int) -> Iterator[Damage]:
    """Files that end early, or whose ends are zeros."""
    for name, node in image.disk.files().items():
        size = len(node.data)
        for at in range(0, size, every):

            def cut(disk: FakeDisk, name: str = name, at: int = at) -> None:
                del disk.files()[name].data[at:]

            def zero(disk: FakeDisk, name: str = name, at: int = at, size: int = size) -> None:
                disk.files()[name].data[at:] = bytes(size - at)

            yield Damage("cut", Touched(name, (at, size)), cut)
            yield Damage("zeros", Touched(name, (at, size)), zero)


def blocks(image: Image, size: int) -> Iterator[Damage]:
    """Blocks that are swapped, doubled, zero, of another file, or as they were before."""
    files = image.disk.files()
    for (name, node), (other, _) in pairwise([*files.items(), *list(files.items())[:1]]):
        for at in range(0, len(node.data) - size, size):
            places = slice(at, at + size), slice(at + size, at + 2 * size)

            def swap(disk: FakeDisk, name: str = name, places: tuple[slice, slice] = places) -> None:
                data = disk.files()[name].data
                data[places[0]], data[places[1]] = data[places[1]], data[places[0]]

            def double(disk: FakeDisk, name: str = name, places: tuple[slice, slice] = places) -> None:
                data = disk.files()[name].data
                data[places[0]] = data[places[1]]

            def foreign(
                disk: FakeDisk, name: str = name, other: str = other, place: slice = places[0]
            ) -> None:
                found = disk.files()
                found[name].data[place] = found[other].data[place].ljust(size, b"\0")

            def stale(disk: FakeDisk, name: str = name, place: slice = places[0]) -> None:
                old = image.old.files().get(name)
                disk.files()[name].data[place] = (old.data[place] if old else b"").ljust(size, b"\0")

            yield Damage("swap", Touched(name, (at, at + 2 * size)), swap)
            yield Damage("double", Touched(name, (at, at + size)), double)
            yield Damage("foreign", Touched(name, (at, at + size)), foreign)
            yield Damage("stale", Touched(name, (at, at + size)), stale)


def files(image: Image) -> Iterator[Damage]:
    """Files that are missing, empty, or another file."""
    names = [name for name in image.disk.files() if name != "lock"]
    for name, other in pairwise([*names, names[0]]):

        def remove(disk: FakeDisk, name: str = name) -> None:
            disk.remove(name)

        def replace(disk: FakeDisk, name: str = name, other: str = other) -> None:
            found = disk.files()
            found[name].data[:] = found[other].data

        whole = Touched(name, (0, 1 << 30))
        yield Damage("missing", whole, remove)
        yield Damage("another", whole, replace)


@dataclass
class Examination:
    """Opens damaged copies of an image."""

    image: Image
    salvage_every: int = 1
    tried: int = 0
    lost: int = 0
    salvaged: int = 0
    broken: list[str] = field(default_factory=list)

    def run(self, damages: Iterable[Damage]) -> None:
        """Examine the image with each of these."""
        for damage in damages:
            self.tried += 1
            try:
                self._examine(damage)
            except Broken as broken:
                where = ", ".join(f"{first}-{last}" for first, last in damage.touched.ranges)
                self.broken.append(f"{damage.kind} {damage.touched.file} {where}: {broken}")

    def _examine(self, damage: Damage) -> None:
        disk = self.image.disk.copy()
        damage.change(disk)
        before, tools = set(disk.files()), disk.copy()
        storage = opened(disk)
        stream = storage.streams.get(NAME)
        found = contents(stream) if stream is not None else {}
        is_journal = damage.touched.file.endswith(".journal")
        if stream is None:
            if not is_journal or not any("left as" in problem.text for problem in storage.problems):
                raise Broken(f"the stream is not there: {storage.problems}")
        else:
            missing = self._compare(damage, found, came_back=is_journal and bool(storage.problems))
            self.lost += len(missing)
            lost = stream.log.lost
            reported = set(lost.sequences) if lost is not None else set()
            if missing - reported - self.image.last_batch:
                raise Broken(f"{missing - reported} are not reported, {reported} are")
        self._compare_files(before, disk, damage.touched.file)
        if self.tried % self.salvage_every == 0:
            self._salvage(tools, damage, found)

    def _compare(self, damage: Damage, found: Contents, *, came_back: bool) -> set[int]:
        """Compare messages; returns those that are not delivered."""
        whole = self.image.whole
        for sequence, message in found.items():
            if message == "missing":
                raise Broken(f"message {sequence} is counted and not there")
            if sequence in whole and message not in (whole[sequence], "damaged"):
                raise Broken(f"message {sequence} is {message}")
            if sequence not in whole and not came_back and message != "damaged":
                raise Broken(f"message {sequence} is back")
        missing = {each for each in whole if found.get(each, "damaged") == "damaged"}
        if wrong := missing - self.image.touched_messages(damage.touched):
            raise Broken(f"{sorted(wrong)} are lost too")
        return missing

    def _compare_files(self, before: set[str], disk: FakeDisk, touched: str) -> None:
        after = set(disk.files())
        for name in before - after:
            just_made = name == touched and self._is_just_made(name)
            if f"damaged/{name.replace('/', '-')}" not in after and not just_made:
                raise Broken(f"{name} is gone")

    def _is_just_made(self, name: str) -> bool:
        """Whether it is the newest segment, of which nothing is known: without a byte it is no loss."""
        return bool(self.image.last_batch) and self.image.is_newest(name)

    def _salvage(self, disk: FakeDisk, damage: Damage, found: Contents) -> None:
        """What a server would deliver is in a salvaged copy; more, if there was no journal."""
        self.salvaged += 1
        copy = FakeDisk()
        target = opened(copy)
        report = save_store(opened(disk.copy(), without_journal=True), target, _silent)
        target.close()
        again = opened(copy.copy())
        saved = contents(again.streams[NAME]) if NAME in again.streams else {}
        expected = {sequence: each for sequence, each in found.items() if each != "damaged"}
        if not expected.items() <= saved.items():
            raise Broken(f"{sorted(expected.keys() - saved.keys())} are not salvaged")
        if again.problems or not check_store(again, _silent).is_good:
            raise Broken(f"the salvaged store is damaged: {list(again.problems)}")
        lost = {each for each in self.image.whole if each not in saved} - self.image.last_batch
        if lost and report.is_good:
            raise Broken(f"{sorted(lost)} are lost, and the report of salvage is good")
        if wrong := lost - self.image.touched_messages(damage.touched):
            raise Broken(f"{sorted(wrong)} are lost in the salvaged store")


def opened(disk: FakeDisk, *, without_journal: bool = False) -> FileStorage:
    """A store as a server opens it, or a tool."""
    settings = StoreSettings(sizes=SIZES, without_journal=without_journal)
    incarnations = iter(range(5000, 9000))
    return FileStorage(disk, StepWorker(), ManualClock(), lambda: next(incarnations), settings)


def _silent(_stream: str, _read: int, _messages: int) -> None:
    """Show nothing."""


def main(words: Sequence[str] | None = None) -> int:
    """Damage and open; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.storage.damage", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="damage each byte of this number (default: 1)")
    parser.add_argument("--seed", type=int, help="flip one bit of a byte by chance, and not all eight")
    options = parser.parse_args(words)
    random = Random(options.seed) if options.seed is not None else None
    status = 0
    for closed in (True, False):
        began, one = time.monotonic(), Examination(Image(closed=closed))
        for block in (32, 128, 512):
            one.run(blocks(one.image, block))
        one.run(flips(one.image, options.every, random))
        one.run(cuts(one.image, options.every))
        one.run(files(one.image))
        ended = "ended in order" if closed else "crashed"
        sys.stdout.write(
            f"a store of a server that {ended}: {one.tried:,} damages, {one.salvaged:,} salvaged copies, "
            f"{one.lost:,} messages lost, in {time.monotonic() - began:.0f} s; {len(one.broken)} broken\n"
        )
        sys.stdout.write("".join(f"{line}\n" for line in one.broken[:40]))
        status |= bool(one.broken)
    return status


if __name__ == "__main__":
    sys.exit(main())
