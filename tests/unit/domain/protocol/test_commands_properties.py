"""Property tests of the lines a client may send (client-protocol.md, sections 3, 4 and 6)."""

import json

from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain.protocol.commands import VERBS, Verb, parser_complaint, refuse_partial, split
from app.domain.protocol.connect import Connect, parse_connect, redacted
from app.domain.protocol.errors import ParserError, ProtocolError, UnknownOperation

LIMIT = 1024


def refusal(line: bytes, limit: int, *, whole: bool) -> ProtocolError | None:
    """What is wrong with a line, or with the beginning of one."""
    try:
        if whole:
            split(line, limit)
        else:
            refuse_partial(line, limit)
    except ProtocolError as error:
        return error
    return None


def kind(error: ProtocolError | None) -> type[ProtocolError] | None:
    """The class of a refusal, None for none."""
    return None if error is None else type(error)


def mixed_case(word: bytes) -> st.SearchStrategy[bytes]:
    """The word with each letter in either case."""
    letters = [st.sampled_from([word[i : i + 1].upper(), word[i : i + 1].lower()]) for i in range(len(word))]
    return st.tuples(*letters).map(b"".join)


VERB_SPELLINGS = st.sampled_from(VERBS).flatmap(lambda verb: st.tuples(st.just(verb), mixed_case(verb.name)))


def lines() -> st.SearchStrategy[bytes]:
    """Lines without their LF: good ones, broken verbs, garbage, and more blanks than are free."""
    text = st.binary(max_size=30).map(lambda data: data.replace(b"\n", b""))
    verb = VERB_SPELLINGS.flatmap(lambda pair: st.integers(1, 7).map(lambda length: pair[1][:length]))
    blank = st.sampled_from([b"", b" ", b"\t", b"\r", b"X", b" " * 60, b"\t" * 90])
    end = st.sampled_from([b"", b"\r", b"\r\r", b" "])
    return st.one_of(text, st.tuples(verb, blank, text, end).map(b"".join))


@given(VERB_SPELLINGS)
def test_verbs_in_any_case(spelling: tuple[Verb, bytes]) -> None:
    """Every operation is known in capitals, in small letters and in a mixture."""
    verb, word = spelling

    assert (verb, b"Foo 1") == split(word + b" Foo 1\r", LIMIT)


@given(VERB_SPELLINGS)
def test_every_beginning_of_a_verb_may_go_on(spelling: tuple[Verb, bytes]) -> None:
    """No letter of a verb is refused, nor the whole verb, nor the blank after it."""
    line = spelling[1] + b" foo 1\r"

    refusals = [refusal(line[:length], LIMIT, whole=False) for length in range(1, len(line) + 1)]

    assert {None} == set(refusals)


@given(lines(), st.integers(0, 20))
def test_a_refused_beginning_condemns_the_line(line: bytes, limit: int) -> None:
    """Once a beginning is refused, each longer one and the line are refused with the same error."""
    beginnings = [refusal(line[:length], limit, whole=False) for length in range(1, len(line) + 1)]
    refused = [kind(error) for error in beginnings if error is not None]
    assume(refused)

    assert refused == [kind(refusal(line, limit, whole=True))] * len(refused)
    assert refused == [kind(error) for error in beginnings[-len(refused) :]]


@given(lines(), st.integers(0, 20))
def test_a_refused_line_is_refused_early(line: bytes, limit: int) -> None:
    """What ends a line in error was refused before its end, but for a verb that broke off."""
    error = refusal(line, limit, whole=True)
    assume(error is not None)
    broke_off = any(verb.name.startswith(line.upper()) for verb in VERBS)

    early = refusal(line, limit, whole=False) if line else None
    if broke_off:
        assert (UnknownOperation, None) == (kind(error), early)
    else:
        assert (kind(error), str(error)) == (kind(early), str(early))


@given(lines())
def test_the_complaint_points_at_the_first_bad_byte(line: bytes) -> None:
    """The offset in the complaint is how much of the line could still have become an operation."""
    error = refusal(line, 10_000, whole=False) if line else None
    assume(error is not None)
    offset = int(str(error).partition("i=")[2].partition(":")[0])

    assert all(refusal(line[:length], 10_000, whole=False) is None for length in range(1, offset + 1))
    assert UnknownOperation is kind(refusal(line[: offset + 1], 10_000, whole=False))


@given(st.binary())
def test_a_complaint_forges_no_line(rest: bytes) -> None:
    """Whatever a client sends, the complaint is printable ASCII."""
    complaint = parser_complaint(0, 0, rest)

    assert complaint.isascii()
    assert complaint.isprintable()


@given(st.text(st.characters(exclude_categories=())))
def test_text_from_connect_can_be_written(text: str) -> None:
    """Half a surrogate pair becomes a replacement character; all else that JSON spells comes through."""
    argument = json.dumps({"name": text})
    spelt: str = json.loads(argument)["name"]

    expected = "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in spelt)
    assert Connect(name=expected) == parse_connect(argument.encode())
    assert expected.encode().decode() == expected


SECRET_KEYS = ("pass", "password", "auth_token", "token", "jwt", "sig")
MARK = "hunter2"
"""The secret of all examples."""


def spellings(key: str) -> st.SearchStrategy[str]:
    """The key as JSON may spell it: each letter in either case, escaped or not."""
    return st.tuples(*(st.sampled_from(_spellings_of(letter)) for letter in key)).map("".join)


def _spellings_of(letter: str) -> list[str]:
    return [
        spelling
        for case in (letter, letter.upper())
        for spelling in (case, f"\\u{ord(case):04x}", f"\\u{ord(case):04X}")
    ]


def _secrets() -> st.SearchStrategy[str]:
    """Members that hold the secret, or try to."""
    key = st.sampled_from(SECRET_KEYS).flatmap(spellings)
    value = st.sampled_from([f'"{MARK}"', f'["{MARK}"]', f'{{"x":"{MARK}"}}', "null"])
    return st.builds('"{}": {}'.format, key, value)


def _objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """JSON objects with harmless members, and with secret ones."""
    harmless = st.builds('"{}":{}'.format, st.sampled_from(["user", "passé", "", "lang"]), values)
    return st.lists(st.one_of(harmless, _secrets()), max_size=4).map(
        lambda members: f"{{{','.join(members)}}}"
    )


def _arrays(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, max_size=3).map(lambda members: f"[{','.join(members)}]")


def _understood(argument: bytes) -> tuple[Connect, str]:
    """The fields, or the reason why there are none."""
    try:
        return parse_connect(argument), ""
    except ParserError as error:
        return Connect(), error.reason


ARGUMENTS = st.recursive(
    st.sampled_from(["null", "true", "-1.5", '"text"']),
    lambda values: st.one_of(_objects(values), _arrays(values)),
    max_leaves=6,
).map(str.encode)


@given(ARGUMENTS, st.data())
def test_no_secret_is_shown(argument: bytes, data: st.DataObject) -> None:
    """Neither in any spelling of its key, nor at any depth, nor of a document that broke off."""
    cut = data.draw(st.integers(0, len(argument)))

    assert MARK not in redacted(argument)
    assert MARK not in redacted(argument[:cut])


@given(_secrets().map('{{"user":"u", {}, "lang":"x"}}'.format).map(str.encode), st.data())
def test_what_is_taken_for_a_secret_is_not_shown(argument: bytes, data: st.DataObject) -> None:
    """A document damaged anywhere shows no secret that still works, and no complaint quotes one."""
    position = data.draw(st.integers(0, len(argument)))
    noise = data.draw(st.binary(max_size=2))
    damaged = argument[:position] + noise + argument[position + data.draw(st.integers(0, 2)) :]

    connect, reason = _understood(damaged)
    assert MARK not in reason
    assert MARK not in (connect.password, connect.auth_token) or MARK not in redacted(damaged)
