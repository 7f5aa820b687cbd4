"""Ingest: what is a message, what is a line, what is at fault, and what is kept."""

import pytest

from app.domain.dataplane.seam import MakePlane, Progress
from tests.fakes.data_plane import MAX_LINE, Stage, Station

PUBLISH = b"PUB foo 5\r\nhello\r\n"
MESSAGE = b"MSG foo 1 5\r\nhello\r\n"

SPELLINGS = {
    "plain": (b"PUB foo 2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "reply": (b"PUB foo re 2\r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "lower case": (b"pub foo 2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "mixed case": (b"pUb foo 2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "tab": (b"PUB\tfoo\t2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "lower case and tab": (b"pub\tfoo 2\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "runs of blanks": (b"PUB\t \tfoo \t re\t2 \t\r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "runs of blanks without reply": (b"PUB  foo \t 2 \t\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "two blanks before the size": (b"PUB foo re  2\r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "LF alone": (b"PUB foo 2\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "LF alone after a reply": (b"PUB foo re 2\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "two CR": (b"PUB foo 2\r\r\nok\r\n", b"MSG foo 1 2\r\nok\r\n"),
    "CR as a separator": (b"PUB foo\rre\r2\r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"),
    "leading zeros": (b"PUB foo 002\r\nok\r\n", b"MSG foo 1 002\r\nok\r\n"),
    "eighteen digits": (b"PUB foo 000000000000000002\r\nok\r\n", b"MSG foo 1 000000000000000002\r\nok\r\n"),
    "nothing": (b"PUB foo 0\r\n\r\n", b"MSG foo 1 0\r\n\r\n"),
    "nothing, with reply": (b"PUB foo re 0\r\n\r\n", b"MSG foo 1 re 0\r\n\r\n"),
    "line ends in the payload": (b"PUB foo 4\r\n\r\n\r\n\r\n", b"MSG foo 1 4\r\n\r\n\r\n\r\n"),
    "another PUB in the payload": (
        b"PUB foo 15\r\nPUB foo 2\r\nok\r\n\r\n",
        b"MSG foo 1 15\r\nPUB foo 2\r\nok\r\n\r\n",
    ),
    "any byte in the payload": (
        b"PUB foo 256\r\n" + bytes(range(256)) + b"\r\n",
        b"MSG foo 1 256\r\n" + bytes(range(256)) + b"\r\n",
    ),
}

WRONG_ARGUMENTS = {
    "nothing": b"PUB \r\n",
    "one word": b"PUB foo\r\n",
    "four words": b"PUB foo re 2 2\r\n",
    "many words": b"PUB" + 100 * b" x" + b"\r\n",
}
WRONG_SIZES = {
    "minus": b"PUB foo -1\r\n",
    "plus": b"PUB foo +1\r\n",
    "hexadecimal": b"PUB foo 0x10\r\n",
    "digits and a letter": b"PUB foo 12a\r\n",
    "digits of another script": b"PUB foo \xd9\xa3\r\n",
    "underscore": b"PUB foo 1_0\r\n",
    "point": b"PUB foo 1.\r\n",
    "no number": b"PUB foo bar\r\n",
    "many words that are none": b"PUB foo re " + 900 * b"x" + b"\r\n",
}
TOO_LARGE = {
    "one above the limit": b"1048577",
    "2**31": b"2147483648",
    "2**32 + 3": b"4294967299",
    "18 digits": b"999999999999999999",
    "19 digits": b"1000000000000000000",
    "19 digits with zeros": b"0000000000000000003",
    "2**63": b"9223372036854775808",
    "2**64 + 3": b"18446744073709551619",
    "900 digits": 900 * b"9",
}
AFTER_THE_PAYLOAD = [b"\n", b"x", b"ok\r\n", b"\rx", b"\r\r\n", b"PUB foo 2\r\nok\r\n"]


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
@pytest.mark.parametrize(("sent", "heard"), SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_message_in_any_spelling(stage: Stage, sent: bytes, heard: bytes, *, bytewise: bool) -> None:
    """A PUB is passed on with single blanks, its size as it was spelled and its payload untouched."""
    station = stage.station()
    stage.subscribe(b"foo", station.target())

    (station.feed_bytewise if bytewise else station.feed)(2 * sent)

    assert 2 * heard == station.heard()
    assert [] == station.control.lines
    assert [] == station.control.faults


def test_lines_go_to_the_control_plane(station: Station) -> None:
    """Every line that is no PUB is handed on unchanged, without its LF, in order."""
    progress = station.feed(b"CONNECT {}\r\n\nSUB foo 1\r\r\nPUB\r\nPUBX 1\nPU foo 1\nxPUB foo 1\n")

    assert Progress.DONE == progress
    assert [
        b"CONNECT {}\r",
        b"",
        b"SUB foo 1\r\r",
        b"PUB\r",
        b"PUBX 1",
        b"PU foo 1",
        b"xPUB foo 1",
    ] == station.control.lines


def test_lines_and_messages_keep_their_order(stage: Stage, station: Station) -> None:
    """What the control plane says to a line stands where the line stood among the messages."""
    stage.subscribe(b"foo", station.target())

    def answer(line: bytes) -> bool:
        station.outbox.send(line + b"!")
        return True

    station.control.obey = answer
    station.feed(b"one\n" + PUBLISH + b"two\nthree\n" + PUBLISH)

    assert b"one!" + MESSAGE + b"two!three!" + MESSAGE == station.heard()


def test_publishing_may_be_off(station: Station) -> None:
    """A PUB of someone who may not publish is a line like any other."""
    station.inlet.publishing = False

    station.feed(b"PUB foo 5\r\n")

    assert [b"PUB foo 5\r"] == station.control.lines
    assert 0 == station.inlet.in_msgs


def test_a_line_may_switch_publishing_on(station: Station) -> None:
    """What a line changes holds for the very next byte."""
    station.inlet.publishing = False

    def permit(_line: bytes) -> bool:
        station.inlet.publishing = True
        return True

    station.control.obey = permit
    station.feed(b"PUB foo 5\r\n" + PUBLISH)

    assert [b"PUB foo 5\r"] == station.control.lines
    assert 1 == station.inlet.in_msgs


def test_the_beginning_of_a_line_is_judged(station: Station) -> None:
    """At the end of each read the control plane sees what there is of an incomplete line."""
    station.feed(b"PING\r\nPO")
    station.feed(b"NG")
    station.feed(b"\r\nPUB fo")

    assert [b"PO", b"PONG", b"PUB fo"] == station.control.partials
    assert [b"PING\r", b"PONG\r"] == station.control.lines
    assert station.inlet.has_rest()


def test_a_refused_beginning_ends_the_ingest(station: Station) -> None:
    """Nothing of a refused beginning is kept."""
    station.control.judge = lambda _rest: False

    progress = station.feed(b"PING\r\nPO")

    assert Progress.STOPPED == progress
    assert not station.inlet.has_rest()


def test_a_long_beginning_is_kept_whole(stage: Stage, station: Station) -> None:
    """A line longer than any buffer is put together, if the control plane bears with it."""
    line = 700_000 * b"x"

    station.feed(line)
    stage.station().feed(b"PING\r\n")
    station.feed(line + b"\nnext\n")

    assert [2 * line, b"next"] == station.control.lines


@pytest.mark.parametrize("line", WRONG_ARGUMENTS.values(), ids=WRONG_ARGUMENTS.keys())
def test_a_wrong_number_of_words(station: Station, line: bytes) -> None:
    """A PUB of other than two or three words is at fault, and shown with its argument."""
    progress = station.feed(line + PUBLISH)

    argument = line[3:-1].lstrip(b" ")
    assert (Progress.STOPPED, [(0, argument)]) == (progress, station.control.faults)
    assert (False, 0) == (station.inlet.has_rest(), station.inlet.in_msgs)


@pytest.mark.parametrize("line", WRONG_SIZES.values(), ids=WRONG_SIZES.keys())
def test_a_size_that_is_no_number(station: Station, line: bytes) -> None:
    """A size of other than ASCII digits is at fault, and shown with the argument."""
    progress = station.feed(line + PUBLISH)

    assert (Progress.STOPPED, [(1, line[4:-1])]) == (progress, station.control.faults)
    assert (False, 0) == (station.inlet.has_rest(), station.inlet.in_msgs)


@pytest.mark.parametrize("digits", TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_a_size_above_the_limit(station: Station, digits: bytes) -> None:
    """A size above the limit is at fault as soon as its line ends, and shown as it was spelled."""
    progress = station.feed(b"PUB foo " + digits + b"\r\n")

    assert (Progress.STOPPED, [(2, digits)]) == (progress, station.control.faults)


def test_a_size_of_4000_digits(make_plane: MakePlane) -> None:
    """However many digits there are, they exceed the limit and are never read as a number."""
    station = Stage(make_plane, max_line=8192).station()
    digits = 4000 * b"1"

    station.feed(b"PUB foo " + digits + b"\r\n")

    assert [(2, digits)] == station.control.faults


def test_the_limit_itself_is_allowed(make_plane: MakePlane) -> None:
    """A payload may be exactly as large as the limit."""
    station = Stage(make_plane, max_payload=5).station()

    station.feed(PUBLISH + b"PUB foo 6\r\n")

    assert 1 == station.inlet.in_msgs
    assert [(2, b"6")] == station.control.faults


def test_no_limit(make_plane: MakePlane) -> None:
    """A negative limit allows all sizes that are numbers, and none of more than 18 digits."""
    stage = Stage(make_plane, max_payload=-1)
    first, second = stage.station(), stage.station()

    progress = first.feed(b"PUB foo 999999999999999999\r\nhello\r\n")
    second.feed(b"PUB foo 1000000000000000000\r\n")

    assert (Progress.DONE, []) == (progress, first.control.faults)
    assert [(2, b"1000000000000000000")] == second.control.faults


@pytest.mark.parametrize("ending", AFTER_THE_PAYLOAD)
def test_a_payload_without_its_end(station: Station, ending: bytes) -> None:
    """Bytes in place of CR LF are at fault, and shown as far as they are there."""
    progress = station.feed(b"PUB foo 5\r\nhello" + ending)

    assert (Progress.STOPPED, [(3, ending)]) == (progress, station.control.faults)
    assert (False, 0) == (station.inlet.has_rest(), station.inlet.in_msgs)


@pytest.mark.parametrize("after", AFTER_THE_PAYLOAD)
def test_a_payload_without_its_end_after_equal_lines(stage: Stage, after: bytes) -> None:
    """Messages before it that have the same line are delivered; it is at fault."""
    station = stage.station()
    stage.subscribe(b"foo", station.target())

    progress = station.feed(3 * b"PUB foo 5\r\nhello\r\n" + b"PUB foo 5\r\nhello" + after)

    assert (Progress.STOPPED, [(3, after)]) == (progress, station.control.faults)
    assert 3 * b"MSG foo 1 5\r\nhello\r\n" == station.heard()


@pytest.mark.parametrize("size", [5, 100_000], ids=["small", "large"])
@pytest.mark.parametrize("ending", AFTER_THE_PAYLOAD)
def test_the_end_of_a_payload_byte_by_byte(station: Station, size: int, ending: bytes) -> None:
    """The first byte that may not follow a payload is refused; no further one is awaited."""
    station.feed(b"PUB foo %d\r\n%b" % (size, size * b"x"))

    fed = 0
    while fed < len(ending) and not station.control.faults:
        station.feed(ending[fed : fed + 1])
        fed += 1

    wrong = next(i for i, (byte, right) in enumerate(zip(ending, b"\r\n", strict=False)) if byte != right)
    assert wrong + 1 == fed
    assert [(3, ending[:fed])] == station.control.faults


def test_a_fault_shows_little_of_what_follows(station: Station) -> None:
    """At most 32 bytes are shown in place of CR LF."""
    station.feed(b"PUB foo 5\r\nhello" + 100 * b"y")

    assert [(3, 32 * b"y")] == station.control.faults


@pytest.mark.parametrize(
    ("line", "long"),
    [
        (b"PUB " + (MAX_LINE - 2) * b"a" + b" 0\r\n\r\n", False),
        (b"PUB " + (MAX_LINE - 1) * b"a" + b" 0\r\n\r\n", True),
        (b"PUB " + (MAX_LINE - 1) * b"a" + b" 0\n\r\n", True),
        (b"PUB" + 60 * b" " + (MAX_LINE - 2) * b"a" + b" 0\r\n\r\n", False),
        (b"PUB" + 70 * b" " + (MAX_LINE - 2) * b"a" + b" 0\r\n\r\n", True),
        (b"PUB" + 2 * MAX_LINE * b" " + b"foo 0\r\n\r\n", True),
        (b"PUB " + MAX_LINE * b"a" + b"\r\n", False),
        (b"PUB " + (MAX_LINE + 1) * b"a" + b"\r\n", True),
    ],
    ids=[
        "just right",
        "one more",
        "one more with LF alone",
        "some blanks",
        "more blanks",
        "blanks alone",
        "just right and malformed",
        "one more and malformed",
    ],
)
def test_a_line_above_the_limit(station: Station, line: bytes, *, long: bool) -> None:
    """An argument longer than the limit, or a line much longer, is at fault before all else."""
    station.feed(line)

    assert long is ((4, b"") in station.control.faults)


def test_counters(stage: Stage) -> None:
    """Messages and payload bytes are counted per connection and for the plane, heard or not."""
    first, second = stage.station(), stage.station()

    stage.plane.now = 3.5
    first.feed(2 * PUBLISH)
    stage.plane.now = 4.5
    second.feed(b"PUB bar 0\r\n\r\nPING\r\n")

    assert (2, 10, 3.5) == (first.inlet.in_msgs, first.inlet.in_bytes, first.inlet.last_publish)
    assert (1, 0, 4.5) == (second.inlet.in_msgs, second.inlet.in_bytes, second.inlet.last_publish)
    assert (3, 10, 0, 0) == (
        stage.plane.in_msgs,
        stage.plane.in_bytes,
        stage.plane.out_msgs,
        stage.plane.out_bytes,
    )


def test_nothing_published_yet(station: Station) -> None:
    """Before the first PUB the time of the last one is 0."""
    station.feed(b"PING\r\n")

    assert 0.0 == station.inlet.last_publish


def test_tracing_shows_messages(station: Station) -> None:
    """While tracing, the control plane is given each PUB's verb, argument and payload."""
    station.inlet.trace = True

    station.feed(b"PUB foo 2\r\nok\r\nPUB \t foo  re 2 \r\nno\r\nPUB foo 2\r\nya\r\nPING\r\n")

    assert [
        (b"PUB", b"foo 2\r", b"ok"),
        (b"PUB", b"foo  re 2 \r", b"no"),
        (b"PUB", b"foo 2\r", b"ya"),
    ] == station.control.traces


def test_ingesting_nothing(station: Station) -> None:
    """Without anything kept there is nothing to go on with."""
    assert Progress.DONE == station.go_on()
    assert not station.inlet.has_rest()


def test_an_incomplete_message_is_kept(stage: Stage, station: Station) -> None:
    """Going on without new bytes changes nothing; the rest stays until it is complete."""
    stage.subscribe(b"foo", station.target())

    station.feed(PUBLISH[:-3])
    progress = station.go_on()
    kept = station.inlet.has_rest()
    station.feed(PUBLISH[-3:])

    assert (Progress.DONE, True, False) == (progress, kept, station.inlet.has_rest())
    assert MESSAGE == station.heard()


def test_connections_share_the_buffer_and_not_their_rests(stage: Stage) -> None:
    """What one connection left incomplete is not touched by what others send."""
    stations = [stage.station() for _ in range(3)]
    stage.subscribe(b"foo", *(station.target() for station in stations))

    for part in (PUBLISH[i : i + 1] for i in range(len(PUBLISH))):
        for station in stations:
            station.feed(part)

    assert [3 * MESSAGE] * 3 == [station.heard() for station in stations]
