"""Unit tests of the table of unsettled messages, against a dictionary."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane.message_run import ascending
from app.domain.jetstream.consumers.pending import QUEUED, SIZE, PendingTable, run_of

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["add", "add_run", "remove", "run", "set", "through", "drop", "due", "shift", "all_due"]
        ),
        st.integers(0, 40),
        st.integers(0, 100),
    ),
    max_size=60,
)


def test_rows_between_two() -> None:
    """They are known by all their sequences: none may be missing, and none be more."""
    table = PendingTable()
    table.add_run(array("q", range(0, 3000, 3)), 1, 5)
    table.remove(30)

    rows = [*range(3, 30, 3), *range(33, 1800, 3)]
    assert table.rows_of(rows) == (3, 1797)
    assert table.rows_of(array("q", rows)) == (3, 1797)
    assert table.rows_of([3, 6, 9]) == (3, 9)
    assert table.rows_of([3, 6, 12, 15]) is None
    assert table.rows_of([3, 6, 9, 11]) is None
    assert table.rows_of([3, 9, 6, 12]) is None
    assert PendingTable().rows_of([1, 2, 3, 4]) is None


def check(table: PendingTable, model: dict[int, list[int]]) -> None:
    """The table says what the model does."""
    assert len(model) == len(table)
    assert sorted(model) == list(table)
    first = min(model, default=None)
    assert (None if first is None else (first, model[first][0])) == table.first()
    assert sum(due == QUEUED for _, due in model.values()) == table.queued
    dues = [due for _, due in model.values() if due != QUEUED]
    assert max(dues, default=0) == table.latest_due()
    assert not dues or (table.next_due is not None and table.next_due <= min(dues))


class Pair:
    """A table, and the dictionary that it should be like."""

    def __init__(self, stride: int) -> None:
        self.table = PendingTable()
        self.model: dict[int, list[int]] = {}
        self.stride = stride
        self.last = 0

    def pick(self, number: int) -> int:
        """A sequence that is there; 0 for none."""
        sequences = sorted(self.model)
        return sequences[number % len(sequences)] if sequences else 0

    def add(self, number: int, due: int) -> None:
        """Some rows."""
        for _ in range(number):
            self.last += self.stride
            self.table.add(self.last, self.last + 1, due)
            self.model[self.last] = [self.last + 1, due]

    def add_run(self, number: int, due: int) -> None:
        """Rows that follow each other."""
        self.table.add_run(ascending(self.last + 1, 30 * number), self.last + 2, due)
        for _ in range(30 * number):
            self.last += 1
            self.model[self.last] = [self.last + 1, due]

    def remove(self, number: int, _: int) -> None:
        """One row."""
        sequence = self.pick(number)
        row = self.table.remove(sequence)
        assert (row is None) == (sequence not in self.model)
        self.model.pop(sequence, None)

    def run(self, number: int, width: int) -> None:
        """All in a range."""
        first = max(0, self.pick(number) - width % 3)
        gone = [s for s in sorted(self.model) if first <= s <= first + 3 * width]
        lowest = (gone[0], self.model[gone[0]][0]) if gone else None
        removed, row = self.table.remove_run(first, first + 3 * width)
        assert (gone, lowest) == (list(removed), row)
        for sequence in gone:
            del self.model[sequence]

    def set(self, number: int, due: int) -> None:
        """Another time for one row."""
        sequence = self.pick(number)
        self.table.set_due(sequence, due or QUEUED)
        if sequence in self.model:
            self.model[sequence][1] = due or QUEUED

    def through(self, number: int, _: int) -> None:
        """All up to a row."""
        sequence = self.pick(number)
        gone, last = self.table.remove_through(sequence)
        assert [s for s in sorted(self.model) if s <= sequence] == gone
        assert not gone or last == self.model[gone[-1]][0]
        self.model = {s: v for s, v in self.model.items() if s > sequence}

    def drop(self, number: int, _: int) -> None:
        """The same, without a list."""
        sequence = self.pick(number)
        gone = [s for s in sorted(self.model) if s <= sequence]
        assert (self.model[gone[-1]][0] if gone else 0) == self.table.drop_through(sequence)
        self.model = {s: v for s, v in self.model.items() if s > sequence}

    def due(self, _: int, now: int) -> None:
        """What is due."""
        taken = self.table.take_due(now, 100)
        assert [s for s in sorted(self.model) if self.model[s][1] <= now] == taken
        for sequence in taken:
            self.model[sequence][1] = QUEUED

    def shift(self, _: int, by: int) -> None:
        """All later."""
        self.table.shift(by)
        for value in self.model.values():
            value[1] += by if value[1] < QUEUED else 0

    def all_due(self, _: int, now: int) -> None:
        """All now."""
        self.table.make_due(now)
        for value in self.model.values():
            value[1] = min(now, value[1]) if value[1] < QUEUED else value[1]


@given(STEPS, st.integers(1, 9))
def test_it_behaves_like_a_dictionary(steps: list[tuple[str, int, int]], stride: int) -> None:
    """Whatever is added, removed and due, in any order."""
    pair = Pair(stride)
    for step, number, due in steps:
        getattr(pair, step)(number, due)
        check(pair.table, pair.model)


def filled(count: int, due: int = 5) -> PendingTable:
    """A table with these sequences, from 1 on."""
    table = PendingTable()
    for sequence in range(1, count + 1):
        table.add(sequence, sequence, due)
    return table


def test_what_is_not_there() -> None:
    """Lookups find nothing, and change nothing."""
    table = PendingTable()
    assert (None, None, None, None) == (table.due_of(1), table.number_of(1), table.remove(1), table.first())
    table.set_due(1, 3)
    assert table.next_due is None
    for sequence in (10, 20):
        table.add(sequence, sequence, 7)
    assert [None, None, None, 7] == [table.due_of(s) for s in (5, 15, 25, 20)]
    assert 20 == table.number_of(20)
    assert 10 in table
    assert 15 not in table


def test_below_the_first_block_is_nothing() -> None:
    """Also with several blocks."""
    table = PendingTable()
    for sequence in range(100, 100 + 2 * SIZE):
        table.add(sequence, 1, 1)
    assert table.due_of(99) is None


def test_most_blocks_are_given_back() -> None:
    """Few rows of many do not keep the memory of all."""
    table = filled(100 * SIZE)
    for sequence in range(1, 100 * SIZE + 1):
        if sequence % SIZE:
            table.remove(sequence)
    assert [SIZE * i for i in range(1, 101)] == list(table)
    assert len(table._blocks) < 10  # noqa: SLF001 - the promise is about memory


def test_a_small_block_is_not_joined_to_a_full_one() -> None:
    """Nothing is gained by that."""
    table = filled(2 * SIZE)
    for sequence in range(1, SIZE - 20):
        table.remove(sequence)
    assert list(range(SIZE - 20, 2 * SIZE + 1)) == list(table)
    assert 2 == len(table._blocks)  # noqa: SLF001 - the promise is about its shape


def test_what_is_queued_has_no_time() -> None:
    """Shifting times does not touch it."""
    table = filled(2)
    table.take_due(5, 1)
    table.shift(7)
    assert (QUEUED, None, 0) == (table.due_of(1), table.next_due, table.latest_due())


def test_the_heap_stays_small() -> None:
    """Rows that are due ever earlier leave no trace."""
    table = filled(1, due=10**6)
    for due in range(10**6, 0, -1000):
        table.set_due(1, due)
    assert len(table._heap) <= 20  # noqa: SLF001 - the promise is about memory
    assert 1000 == table.next_due


def test_one_turn_takes_some_blocks() -> None:
    """The rest stays due."""
    table = filled(4 * SIZE)
    assert SIZE == len(table.take_due(5, 1))
    assert 3 * SIZE == len(table.take_due(5, 100))
    assert [] == table.take_due(5, 1)


def test_rows_after_a_sequence() -> None:
    """In order, up to a limit."""
    table = filled(3 * SIZE)
    table.remove(SIZE + 3)
    assert [SIZE + 2, SIZE + 4] == table.after(SIZE + 1, 2)
    assert list(range(2 * SIZE + 1, 3 * SIZE + 1)) == table.after(2 * SIZE, 10 * SIZE)
    assert [1] == table.after(0, 1)
    assert [] == PendingTable().after(0, 5)


def test_nothing_is_left_below() -> None:
    """What was removed one by one is not removed again."""
    table = filled(5)
    for sequence in (1, 2, 3):
        table.remove(sequence)
    assert ([], 0) == table.remove_through(3)
    assert ([4, 5], 5) == table.remove_through(9)


def test_whole_blocks_are_dropped() -> None:
    """With what is queued in them, up to the middle of one."""
    table = filled(3 * SIZE)
    table.take_due(5, 2)
    assert 2 * SIZE + 7 == table.drop_through(2 * SIZE + 7)
    assert (SIZE - 7, 0, 2 * SIZE + 8) == (len(table), table.queued, next(iter(table)))
    for sequence in range(2 * SIZE + 8, 2 * SIZE + 11):
        table.remove(sequence)
    assert 0 == table.drop_through(2 * SIZE + 10)


def test_rows_are_loaded_as_they_were() -> None:
    """From a checkpoint, in place of what was there."""
    table, other = filled(2 * SIZE + 3), filled(5)
    table.remove(7)
    other.load(*table.columns())
    assert list(table) == list(other)
    assert (table.next_due, table.latest_due(), table.first()) == (
        other.next_due,
        other.latest_due(),
        other.first(),
    )
    other.load(array("q"), array("q"), array("q"))
    assert (0, None) == (len(other), other.next_due)


def test_columns_have_all_rows() -> None:
    """For a checkpoint."""
    table = filled(SIZE + 2)
    table.remove(1)
    sequences, numbers, dues = table.columns()
    assert list(range(2, SIZE + 3)) == list(sequences) == list(numbers)
    assert {5} == set(dues)
    assert (2, 2) == table.first()
    assert 5 == table.due_of(SIZE + 2)


def test_what_is_a_run() -> None:
    """Sequences that follow each other, in whatever form they come."""
    assert (4, 6) == run_of(array("q", (4, 5, 6)))
    assert (4, 4) == run_of([4])
    for other in ([], [4, 6], [4, 6, 5, 7], [6, 5, 4], [4, 4]):
        assert run_of(other) is None


def test_whole_blocks_go_at_once() -> None:
    """Blocks in the middle of a run are dropped, and those at its ends are joined."""
    table = filled(5 * SIZE)
    table.set_due(2 * SIZE, QUEUED)

    gone, lowest = table.remove_run(20, 5 * SIZE - 20)

    assert (len(gone), lowest, table.queued) == (5 * SIZE - 39, (20, 20), 0)
    assert [*range(1, 20), *range(5 * SIZE - 19, 5 * SIZE + 1)] == list(table)
    assert (array("q"), None) == table.remove_run(20, 5 * SIZE - 20)
    assert (array("q"), None) == PendingTable().remove_run(1, 9)


def test_a_small_block_is_joined_to_one_that_shrinks() -> None:
    """Also where both have lost rows at once."""
    table = filled(SIZE + 70)
    table.remove_run(11, SIZE + 65)
    assert [*range(1, 11), *range(SIZE + 66, SIZE + 71)] == list(table)
    assert (1, 1) == table.first()
