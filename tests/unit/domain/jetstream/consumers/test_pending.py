"""Unit tests of the table of unsettled messages, against a dictionary."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.jetstream.consumers.pending import QUEUED, SIZE, PendingTable, Row

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "remove", "set", "through", "due", "shift", "all_due"]),
        st.integers(0, 40),
        st.integers(0, 100),
    ),
    max_size=60,
)


def check(table: PendingTable, model: dict[int, list[int]]) -> None:
    """The table says what the model does."""
    assert len(model) == len(table)
    assert sorted(model) == list(table)
    first = min(model, default=None)
    assert (None if first is None else Row(first, model[first][0])) == table.first()
    assert sum(due == QUEUED for _, due in model.values()) == table.queued
    dues = [due for _, due in model.values() if due != QUEUED]
    assert max(dues, default=0) == table.latest_due()
    assert (table.next_due is None) == (not dues) or (table.next_due or 0) <= min(dues, default=0)


@given(STEPS, st.integers(1, 9))
def test_it_behaves_like_a_dictionary(steps: list[tuple[str, int, int]], stride: int) -> None:
    """Whatever is added, removed and due, in any order."""
    table, model, last = PendingTable(), dict[int, list[int]](), 0
    for step, number, due in steps:
        sequences = sorted(model)
        sequence = sequences[number % len(sequences)] if sequences else 0
        if step == "add":
            for _ in range(number):
                last += stride
                table.add(last, last + 1, due)
                model[last] = [last + 1, due]
        elif step == "remove":
            row = table.remove(sequence)
            assert (row is None) == (sequence not in model)
            model.pop(sequence, None)
        elif step == "set":
            table.set_due(sequence, due or QUEUED)
            if sequence in model:
                model[sequence][1] = due or QUEUED
        elif step == "through":
            gone = table.remove_through(sequence)
            assert [s for s in sequences if s <= sequence] == [row.sequence for row in gone]
            model = {s: v for s, v in model.items() if s > sequence}
        elif step == "due":
            taken = table.take_due(due, 100)
            assert [s for s in sequences if model[s][1] <= due] == taken
            for s in taken:
                model[s][1] = QUEUED
        elif step == "shift":
            table.shift(due)
            for value in model.values():
                value[1] += due if value[1] < QUEUED else 0
        else:
            table.make_due(due)
            for value in model.values():
                value[1] = min(due, value[1]) if value[1] < QUEUED else value[1]
        check(table, model)


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


def test_columns_have_all_rows() -> None:
    """For a checkpoint."""
    table = filled(SIZE + 2)
    table.remove(1)
    sequences, numbers, dues = table.columns()
    assert list(range(2, SIZE + 3)) == list(sequences) == list(numbers)
    assert {5} == set(dues)
    assert Row(2, 2) == table.first()
    assert 5 == table.due_of(SIZE + 2)
