"""Unit tests of the thread that writes log lines."""

import errno

import pytest

from app.adapters.logs.line_writer import LineWriter
from tests.fakes.log_sink import ScriptedSink

DISK_FULL = OSError(errno.ENOSPC, "No space left on device")


def writer_to(sink: ScriptedSink, capacity: int = 1000, warnings: list[str] | None = None) -> LineWriter:
    """A writer with short reports; warnings that no test expects fail it."""
    warn = warnings.append if warnings is not None else pytest.fail
    return LineWriter(sink, lambda count: f"dropped {count}", warn, capacity)


def test_lines_keep_their_order() -> None:
    """Lines come out in the order they went in, each with one line end."""
    sink = ScriptedSink()
    writer = writer_to(sink)

    for number in range(100):
        writer.write(str(number))
    writer.close()

    assert "".join(f"{number}\n" for number in range(100)) == sink.text()


def test_a_stuck_destination_holds_nobody_up() -> None:
    """Writing returns while the destination takes nothing."""
    sink = ScriptedSink(stalled=True)
    writer = writer_to(sink)

    writer.write("first")
    sink.wait_for_writes(1)
    writer.write("second")

    assert "" == sink.text()

    sink.release()
    writer.close()

    assert "first\nsecond\n" == sink.text()


def test_a_full_queue_drops_and_reports() -> None:
    """What does not fit is dropped, and a line in its place says how much."""
    sink = ScriptedSink(stalled=True)
    writer = writer_to(sink, capacity=9)
    writer.write("one")
    sink.wait_for_writes(1)
    writer.write("two")
    writer.write("six")
    writer.write("ten")

    sink.release()
    sink.wait_for_writes(2)
    writer.write("late")
    writer.close()

    assert "one\ntwo\ndropped 2\nlate\n" == sink.text()


def test_what_is_being_written_counts_as_queued() -> None:
    """Bytes in the hands of a stuck destination take up room, until they are gone."""
    sink = ScriptedSink(stalled=True)
    writer = writer_to(sink, capacity=4)
    writer.write("one")
    sink.wait_for_writes(1)

    writer.write("two")
    sink.release()
    sink.wait_for_writes(1)
    writer.write("six")
    writer.close()

    assert "one\ndropped 1\nsix\n" == sink.text()


def test_a_line_longer_than_the_queue_is_written_when_nothing_waits() -> None:
    """One oversized line, a traced payload say, gets through an idle log."""
    sink = ScriptedSink()
    writer = writer_to(sink, capacity=4)

    writer.write("much longer")
    writer.close()

    assert "much longer\n" == sink.text()


def test_a_failing_destination_warns_once() -> None:
    """However many writes fail, one warning goes out, and it names the cause."""
    warnings: list[str] = []
    sink = ScriptedSink([DISK_FULL] * 4)
    writer = writer_to(sink, warnings=warnings)

    for line in ("one", "two"):
        writer.write(line)
        sink.wait_for_writes(2)
    writer.close()

    assert 1 == len(warnings)
    assert "No space left on device" in warnings[0]
    assert "" == sink.text()


def test_lines_lost_to_a_failure_are_reported_when_it_is_over() -> None:
    """A destination that takes lines again gets the number of lost ones."""
    sink = ScriptedSink([DISK_FULL] * 2)
    writer = writer_to(sink, warnings=[])
    writer.write("lost")
    sink.wait_for_writes(2)

    writer.write("kept")
    writer.close()

    assert "kept\ndropped 1\n" == sink.text()


def test_a_short_write_is_continued() -> None:
    """A destination that takes some bytes at a time gets all of them."""
    sink = ScriptedSink([1, 2, 3])
    writer = writer_to(sink)

    writer.write("abcdefgh")
    writer.close()

    assert "abcdefgh\n" == sink.text()


def test_a_broken_line_spoils_no_other() -> None:
    """What was written of a lost line is ended before the next one begins."""
    sink = ScriptedSink([3, DISK_FULL, DISK_FULL])
    writer = writer_to(sink, warnings=[])
    writer.write("broken")
    sink.wait_for_writes(3)

    writer.write("whole")
    writer.close()

    assert "bro\nwhole\ndropped 1\n" == sink.text()


def test_a_broken_line_is_counted_once() -> None:
    """Failing to end a broken line loses no further line."""
    sink = ScriptedSink([3, DISK_FULL, DISK_FULL, DISK_FULL, DISK_FULL])
    writer = writer_to(sink, warnings=[])
    for line in ("broken", "lost"):
        writer.write(line)
        sink.wait_for_writes(3 if line == "broken" else 2)

    writer.write("whole")
    writer.close()

    assert "bro\nwhole\ndropped 2\n" == sink.text()


def test_a_destination_that_would_block_is_a_failure() -> None:
    """A non-blocking pipe that is full loses lines; it does not spin."""
    warnings: list[str] = []
    sink = ScriptedSink([None, None])
    writer = writer_to(sink, warnings=warnings)

    writer.write("lost")
    sink.wait_for_writes(2)
    writer.close()

    assert 1 == len(warnings)
    assert "" == sink.text()


def test_closing_is_bounded() -> None:
    """Closing gives up on a stuck destination; lines written afterwards are ignored."""
    sink = ScriptedSink(stalled=True)
    writer = writer_to(sink)
    writer.write("held")
    sink.wait_for_writes(1)

    writer.close(timeout=0)
    writer.write("too late")
    sink.release()
    writer.close()

    assert "held\n" == sink.text()


def test_closing_closes_the_destination() -> None:
    """The writer closes its destination once everything is written; twice does no harm."""
    sink = ScriptedSink()
    writer = writer_to(sink)

    writer.close()
    writer.close()

    assert sink.closed


def test_a_destination_that_fails_to_close_is_warned_of() -> None:
    """A network file system may report lost data only at the end."""

    class Unclosable(ScriptedSink):
        def close(self) -> None:
            super().close()
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

    warnings: list[str] = []
    writer = writer_to(Unclosable(), warnings=warnings)

    writer.close()

    assert 1 == len(warnings)
    assert "Disk quota exceeded" in warnings[0]


def test_text_that_is_no_utf8_is_written_as_escapes() -> None:
    """A lone surrogate, from a file name say, cannot stop the log."""
    sink = ScriptedSink()
    writer = writer_to(sink)

    writer.write("file \udcff")
    writer.close()

    assert "file \\udcff\n" == sink.text()


def test_an_action_has_its_place_among_the_lines() -> None:
    """What is to be done between two lines is done there, and says a line of its own."""
    sink = ScriptedSink(stalled=True)
    writer = writer_to(sink)
    seen: list[str] = []

    def act() -> str:
        seen.append(sink.text())
        return "turned"

    writer.write("one")
    sink.wait_for_writes(1)
    writer.write("two")
    writer.between(act)
    writer.write("three")
    sink.release()
    writer.close()

    assert ["one\ntwo\n"] == seen
    assert "one\ntwo\nturned\nthree\n" == sink.text()


def test_actions_without_lines() -> None:
    """An idle log acts as well, as often as it is asked."""
    sink = ScriptedSink()
    writer = writer_to(sink)

    writer.between(lambda: "first")
    writer.between(lambda: "second")
    writer.close()
    writer.between(lambda: pytest.fail("a closed log acted"))

    assert "first\nsecond\n" == sink.text()


def test_a_full_queue_takes_an_action() -> None:
    """However much waits, what is to be done is not dropped."""
    sink = ScriptedSink(stalled=True)
    writer = writer_to(sink, capacity=4)
    writer.write("one")
    sink.wait_for_writes(1)

    writer.between(lambda: "turned")
    writer.write("two")
    sink.release()
    writer.close()

    assert "one\nturned\ndropped 1\n" == sink.text()


def test_lines_lost_before_an_action_are_reported() -> None:
    """A loss on one side of an action is logged on the other."""
    sink = ScriptedSink(stalled=True, script=[len("one\n"), DISK_FULL])
    writer = writer_to(sink, warnings=[])
    writer.write("one")
    sink.wait_for_writes(1)
    writer.write("lost")
    writer.between(lambda: "turned")

    sink.release()
    writer.close()

    assert "one\nturned\ndropped 1\n" == sink.text()


def test_closing_hurries_the_destination() -> None:
    """A destination that waits for better times learns that there is no time left."""
    sink = ScriptedSink(stalled=True)
    writer = LineWriter(sink, str, pytest.fail, hurry=sink.release)
    writer.write("held")
    sink.wait_for_writes(1)

    writer.close()

    assert "held\n" == sink.text()
