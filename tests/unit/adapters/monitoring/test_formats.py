"""How values look."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from app.adapters.monitoring.formats import (
    duration,
    go_duration,
    html_safe,
    indented,
    nanoseconds,
    one_line,
    rfc3339,
)


@pytest.mark.usefixtures("new_york")
@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (1_461_703_187.332681, "2016-04-26T16:39:47.332681-04:00"),
        (1_461_703_187.5, "2016-04-26T16:39:47.5-04:00"),
        (1_461_703_187.0, "2016-04-26T16:39:47-04:00"),
        (1_478_411_999.0, "2016-11-06T01:59:59-04:00"),
        (1_478_412_000.0, "2016-11-06T01:00:00-05:00"),
        (0.0, "1969-12-31T19:00:00-05:00"),
        (-1.5, "1969-12-31T18:59:58.5-05:00"),
    ],
)
def test_times(epoch: float, expected: str) -> None:
    """A moment is in the local zone as it was then, without zeros at the end of its fraction."""
    assert expected == rfc3339(epoch)


def test_universal_time(monkeypatch: pytest.MonkeyPatch, new_york: None) -> None:  # noqa: ARG001 - it restores the zone
    """The zone of universal time is a Z."""
    import time  # noqa: PLC0415 - for tzset alone

    from app.adapters.monitoring import formats  # noqa: PLC0415 - for its cache alone

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    formats._zone.cache_clear()  # noqa: SLF001 - zones do not change while a server runs

    assert "2016-04-26T20:39:47.332681Z" == rfc3339(1_461_703_187.332681)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0s"),
        (5.999, "5s"),
        (59, "59s"),
        (60, "1m0s"),
        (200, "3m20s"),
        (18 * 3600 + 30 * 60 + 12, "18h30m12s"),
        (2 * 86_400 + 5 * 3600 + 1, "2d5h0m1s"),
        (368 * 86_400 + 7, "1y3d0h0m7s"),
        (-3, "0s"),
    ],
)
def test_durations(seconds: float, expected: str) -> None:
    """A duration begins with its largest unit, and all smaller ones follow."""
    assert expected == duration(seconds)


def test_nanoseconds() -> None:
    """Go's durations are whole numbers."""
    assert (120_000_000_000, 1) == (nanoseconds(120.0), nanoseconds(1e-9))


@given(st.text())
def test_html_finds_nothing_in_json(text: str) -> None:
    """JSON reads the same after the escapes, and holds nothing that HTML or old scripts know."""
    plain = json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass")

    safe = html_safe(plain)

    assert json.loads(plain) == json.loads(safe)
    assert not {"<", ">", "&", "\u2028", "\u2029"} & set(safe.decode("utf-8", "surrogatepass"))


class Model(BaseModel):
    """An answer."""

    a: str
    b: int | None
    c: list[str]


def test_indented() -> None:
    """Two blanks per level, no line end after it, and nothing for None."""
    assert b'{\n  "a": "a.\\u003e",\n  "c": [\n    "x"\n  ]\n}' == indented(Model(a="a.>", b=None, c=["x"]))
    assert b'{\n  "a": "",\n  "b": 1,\n  "c": []\n}' == indented(Model(a="", b=1, c=[]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("abc", "abc"), ("a\r\nb", r"a\r\nb"), ("\x1b[1m", r"\x1b[1m"), ("ü", "ü"), ("x" * 200, "x" * 100)],
)
def test_one_line(text: str, expected: str) -> None:
    """Untrusted text is one line, printable, and short."""
    assert expected == one_line(text)


@pytest.mark.parametrize(
    ("epoch", "year"), [(253_402_300_800.0, "9998"), (1e18, "9998"), (-1e18, "1003"), (float("inf"), "9998")]
)
def test_a_clock_that_is_far_off(epoch: float, year: str) -> None:
    """There is a date of four digits whatever the clock says."""
    assert rfc3339(epoch).startswith(f"{year}-")


def test_harmless_on_a_terminal() -> None:
    """What would turn a line around, or drive a terminal, is spelt out; its value stays the same."""
    text = "\u202egnp.exe\u2066a\u2069\u200f\u061c\x9b31m\x7f"
    safe = html_safe(json.dumps(text, ensure_ascii=False).encode())

    assert safe.isascii()
    assert text == json.loads(safe)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (-1.0, "0s"),
        (0.000_000_6, "1µs"),
        (0.000_414, "414µs"),
        (0.001, "1ms"),
        (0.001_25, "1.25ms"),
        (1.0, "1s"),
        (61.5, "61.5s"),
    ],
)
def test_times_as_go_writes_them(seconds: float, text: str) -> None:
    """In the largest unit of which there is one at least, without zeros at the end."""
    assert text == go_duration(seconds)
