"""The text of the board."""

from dataclasses import replace

from app.adapters.top.board import WIDEST, Look, aligned, delimited_text, plain_text, summary, table
from app.adapters.top.rates import Pace, Reading
from tests.fakes.top_source import client, server

PACE = Pace(1.5, 2.25, 2048.0, 4096.0)


def reading(*names: str) -> Reading:
    """A busy server, and clients of these names."""
    clients = tuple(client(cid, name, 2_000_000, ["a", "b.>"]) for cid, name in enumerate(names, 1))
    return Reading(server(2_000_000), clients, PACE, {1: PACE})


def test_the_lines_about_the_server() -> None:
    """The head of the board says who it is, what it takes, and what passes through."""
    assert [
        "NATS server version 0.8.0 (uptime: 5s)",
        "Server: edge-1",
        "  ID:   ID",
        "  Load: CPU:  12.5%  Memory: 8.0M  Slow Consumers: 0",
        "  In:   Msgs: 2.0M    Bytes: 1.9M    Msgs/Sec: 1.5       Bytes/Sec: 2.0K",
        "  Out:  Msgs: 2.0M    Bytes: 1.9M    Msgs/Sec: 2.2       Bytes/Sec: 4.0K",
    ] == summary(reading(), Look())


def test_rates_that_are_not_known_yet() -> None:
    """Before there is a rate a dash stands in its place."""
    line = summary(Reading(server(), ()), Look())[4]

    assert "  In:   Msgs: 0       Bytes: 0       Msgs/Sec: -         Bytes/Sec: -" == line


def test_raw_figures_in_the_head() -> None:
    """With raw figures all digits are there."""
    line = summary(reading(), Look(raw=True))[4]

    assert "  In:   Msgs: 2000000 Bytes: 2000000 Msgs/Sec: 1.5       Bytes/Sec: 2048" == line


def test_a_row() -> None:
    """A client's row says what it is and what it has moved."""
    headings, row = table(reading("billing"), Look())

    assert {
        "HOST": "192.0.2.1:4001",
        "CID": "1",
        "NAME": "billing",
        "SUBS": "2",
        "PENDING": "0",
        "MSGS_TO": "2.0M",
        "MSGS_FROM": "2.0M",
        "BYTES_TO": "1.9M",
        "BYTES_FROM": "1.9M",
        "LANG": "go",
        "VERSION": "1.1.0",
        "UPTIME": "3s",
        "LAST_ACTIVITY": "2026-11-25T09:57:17Z",
    } == dict(zip(headings, row, strict=True))


def test_no_names() -> None:
    """Where no client has a name there is no column for names."""
    assert "NAME" not in table(reading("", ""), Look())[0]


def test_rates_in_the_table() -> None:
    """Rates can stand in place of totals; of a newcomer there are none yet."""
    _, known, newcomer = table(reading("a", "b"), Look(rates=True))

    assert ["2", "2", "4.0K", "2.0K"] == known[5:9]
    assert ["-", "-", "-", "-"] == newcomer[5:9]


def test_subscriptions() -> None:
    """What a client has subscribed to is the last column, when it is asked for."""
    headings, row = table(reading("a"), Look(subscriptions=True))

    assert ("SUBSCRIPTIONS", "a, b.>") == (headings[-1], row[-1])


def test_names_of_addresses() -> None:
    """A name stands for an address where one is known."""
    known = table(reading("a"), Look(find_name=lambda _ip: "host.example"))[1][0]
    unknown = table(reading("a"), Look(find_name=lambda _ip: None))[1][0]

    assert ("host.example:4001", "192.0.2.1:4001") == (known, unknown)


def test_hostile_names() -> None:
    """No name can clear the screen, or begin a line of its own."""
    text = plain_text(reading("\x1b[2J\nroot"), Look())

    assert "\x1b" not in text
    assert "\\x1b[2J\\nroot" in text
    assert text.replace("\n", "").isprintable()


def test_columns_are_aligned() -> None:
    """Texts begin in one column, numbers end in one, and wide letters count as two."""
    lines = aligned([["NAME", "CID", "LANG"], ["東京", "7", "go"], ["abcde", "100", "c"]])

    assert ["  NAME   CID  LANG", "  東京     7  go", "  abcde  100  c"] == lines


def test_a_long_name_does_not_push_the_rest_away() -> None:
    """A cell has its limits, but for the last one of a line."""
    _, line = aligned([["NAME", "SUBSCRIPTIONS"], ["x" * 500, "y" * 500]])

    assert f"  {'x' * (WIDEST - 1)}…  {'y' * 500}" == line


def test_the_whole_board() -> None:
    """In a file the head, the number of clients and the table stand below each other."""
    lines = plain_text(reading("a", "b"), Look()).splitlines()

    assert ("NATS server version 0.8.0 (uptime: 5s)", "", "Connections Polled: 2") == (lines[0], *lines[6:8])
    assert 8 + 3 == len(lines)


def test_a_table_for_programs() -> None:
    """With a delimiter there is the table alone, and a name that contains it is quoted."""
    lines = delimited_text(reading("a,b"), Look(), ",").splitlines()

    assert lines[0].startswith("HOST,CID,NAME,SUBS")
    assert lines[1].startswith('192.0.2.1:4001,1,"a,b",2')


def test_an_address_of_version_six() -> None:
    """An IPv6 address stands in brackets, so that the port can be told from it."""
    six = Reading(server(), (replace(client(1), ip="2001:db8::1"),))

    assert "[2001:db8::1]:4001" == table(six, Look())[1][0]


def test_a_name_is_no_formula() -> None:
    """A client whose name begins like a formula has a quotation mark before it, for programs."""
    row = delimited_text(reading("=cmd|' /C calc'!A0"), Look(), ";").splitlines()[1]

    assert "'=cmd|' /C calc'!A0" == row.split(";")[2]


def test_names_keep_their_direction() -> None:
    """A name cannot turn what comes after it around."""
    assert "\\u202egnp.exe" in plain_text(reading("\u202egnp.exe"), Look())
