"""What a stream enters into its journal."""

from app.adapters.streams_log.journal import JournalEntry
from app.adapters.streams_log.record import DOCUMENT, ERASE, FLOOR, MARK, REMOVED, REMOVED_RUNS
from app.adapters.streams_log.removals import pack, pack_runs
from app.adapters.streams_log.stream_entries import StreamEntries
from tests.support.store import Store


def entries_of(messages: int) -> StreamEntries:
    """The entries of a stream with this number of messages, which are all safe."""
    store = Store()
    stream = store.create()
    for number in range(messages):
        stream.log.append(b"s", b"", b"x", number)
    store.commit(stream)
    return stream.entries


def test_removals_are_runs_where_neighbours_go() -> None:
    """Neighbours are one run, each other sequence stands alone, and what is erased is entered again."""
    found = entries_of(9).removal([2, 3, 4, 7], erase=True)

    assert [
        JournalEntry(REMOVED_RUNS, b"", pack_runs([(2, 4)])),
        JournalEntry(REMOVED, b"", pack([7])),
        JournalEntry(ERASE, b"", pack([2, 3, 4, 7])),
    ] == found


def test_a_removal_from_the_beginning_is_one_entry() -> None:
    """All that is below a sequence is removed by the new floor, with the last message and its time."""
    assert [JournalEntry(FLOOR, b"", pack([3, 4, 3]))] == entries_of(4).removal_before(3)


def test_a_new_journal_begins_with_all_that_holds() -> None:
    """The document is its first entry, the floor is that of the messages, and a mark says what is synced."""
    entries = entries_of(4)
    entries.document = {"a": 1}
    found = list(entries.contents())

    assert (DOCUMENT, b'{"a":1}') == (found[0].kind, found[0].body)
    assert [pack([1, 4, 3])] == [entry.body for entry in found if entry.kind == FLOOR]
    assert [MARK] == [entry.kind for entry in found[-1:]]
