"""What fails keeps what relies on it from being done."""

import errno
from functools import partial

import pytest

from app.adapters.streams_log.steps import Batch, Outcome, Step, carry_out, failure_of, shortage
from app.domain.jetstream.storage.seam import StorageFailure
from app.ports.files import SyncFailed

FULL, BROKEN = StorageFailure.FULL, StorageFailure.BROKEN


def play(failing: str, error: OSError) -> tuple[list[str], Outcome]:
    """Carry out a batch in which one part fails."""
    done: list[str] = []

    def step(name: str) -> None:
        if name == failing:
            raise error
        done.append(name)

    steps: dict[str, list[Step]] = {}
    for name in ("prepare", "messages", "journal", "cleaning"):
        steps[name] = [partial(step, name)]
    batch = Batch(steps["prepare"], steps["messages"], steps["journal"], steps["cleaning"])
    outcome = Outcome()
    carry_out(batch, outcome)
    assert batch
    return done, outcome


def no_room() -> OSError:
    """The error of a full disk."""
    return OSError(errno.ENOSPC, "No space left on device")


def test_all_is_done_in_order() -> None:
    """Nothing fails: everything is done."""
    done, outcome = play("", no_room())

    assert ["prepare", "messages", "journal", "cleaning"] == done
    assert Outcome(prepared=True) == outcome


def test_a_full_disk_stops_messages_alone() -> None:
    """The journal is written all the same, and nothing is cleaned."""
    done, outcome = play("messages", no_room())

    assert ["prepare", "journal"] == done
    assert (FULL, None) == (outcome.messages, outcome.journal)


def test_a_broken_disk_stops_everything() -> None:
    """Nothing is written after an error of the disk."""
    done, outcome = play("messages", OSError(errno.EIO, "Input/output error"))

    assert (["prepare"], BROKEN, BROKEN) == (done, outcome.messages, outcome.journal)


def test_what_could_not_be_made_is_not_written() -> None:
    """Without its directory a stream has neither messages nor journal."""
    done, outcome = play("prepare", no_room())

    assert ([], FULL, FULL, False) == (done, outcome.messages, outcome.journal, outcome.prepared)


def test_errors_of_cleaning_cost_only_room() -> None:
    """A file that cannot be removed costs room, and is no failure of the stream."""
    assert play("cleaning", no_room())[1] == Outcome(prepared=True)


def test_a_failed_sync_is_never_a_full_disk() -> None:
    """Whatever its number is: a later attempt must not succeed."""
    assert failure_of(SyncFailed(errno.ENOSPC, "sync failed")) is BROKEN
    assert failure_of(OSError(errno.EDQUOT, "quota")) is FULL
    assert failure_of(OSError(errno.EIO, "error")) is BROKEN
    assert not Batch()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_a_file_that_cannot_be_opened_is_like_a_full_disk(number: int) -> None:
    """Nothing was done, and a later attempt may succeed; the words for it are others."""
    error = OSError(number, "Too many open files")

    assert failure_of(error) is FULL
    assert shortage(error) == "no file can be opened"
    assert shortage(no_room()) == "the disk is full"


def test_a_step_that_fails_by_itself_breaks_its_stream_alone() -> None:
    """A defect is no error of the system, and the thread goes on all the same."""

    def defect() -> None:
        raise MemoryError("too much")

    outcome = Outcome()
    carry_out(Batch(messages=[defect]), outcome)

    assert (StorageFailure.BROKEN, StorageFailure.BROKEN) == (outcome.messages, outcome.journal)
    assert str(outcome.error) == "too much"


@pytest.mark.parametrize(
    "error", [None, no_room(), OSError(errno.EIO, "error"), SyncFailed(errno.ENOSPC, "")]
)
def test_a_write_alone_is_like_its_step(error: OSError | None) -> None:
    """The same outcome, by a job or without."""
    outcome, other = Outcome(), Outcome()
    outcome.note_write(error)

    def step() -> None:
        if error is not None:
            raise error

    carry_out(Batch(messages=[step]), other)

    assert outcome == other
    assert outcome.is_good is (error is None)


def test_files_that_were_removed_are_named() -> None:
    """The disk is not to blame for them."""
    error = OSError(errno.ESTALE, "Stale file handle")
    outcome = Outcome(messages=StorageFailure.BROKEN, error=SyncFailed.of(error))

    assert outcome.in_words().startswith("files of the stream were removed by another program; nothing is")
