"""From text to tree, by ``grammar.lark``; goes on after mistakes, to find them all."""

from collections import deque
from functools import cache
from pathlib import Path
from typing import Literal, NoReturn, TypeAlias, cast

from lark import Lark, Token, Tree, UnexpectedInput, UnexpectedToken
from lark.lexer import LexerState

from ..scalars import READERS
from .parse_errors import ParseProblem, SyntaxStop, TextPosition, closes_wrongly, explain, next_line

Branch: TypeAlias = Tree[Token]
Start: TypeAlias = Literal["document", "variable"]
"""Rules of the grammar."""

DEEPEST = 100
"""Levels of blocks and arrays within each other."""
MOST_VALUES = 100_000
"""Values in all, blocks and arrays among them."""
MOST_MISTAKES = 20
"""Mistakes that are reported at once."""

_OPENING = ("LBRACE", "LBRACKET")
_CLOSING = ("_RBRACE", "_RBRACKET")
_VALUES = frozenset((*READERS, *_OPENING, "VARIABLE"))
_BROKEN = Token("_BROKEN", "")


class _Refused(Exception):
    """A mistake that the grammar does not see."""

    def __init__(self, mistake: ParseProblem, at: TextPosition) -> None:
        super().__init__(mistake.text)
        self.mistake = mistake
        self.at = at


class _Stopped(Exception):
    """Nothing that follows can be read, or it is too much."""


def parse(text: str, start: Start) -> tuple[Branch | None, list[ParseProblem]]:
    """The tree of a text, and what is wrong with it.

    The tree of a document lacks what cannot be read; where nothing that follows can be read,
    it has what is before. A variable has a tree only if nothing is wrong.
    """
    run = _ParseRun(text, start)
    try:
        return run.run(), run.mistakes
    except _Stopped:
        certain = run.certain() if start == "document" else ""
    return (parse(certain, start)[0] if certain else None), run.mistakes


@cache
def _grammar() -> Lark:
    text = Path(__file__).with_name("grammar.lark").read_text("utf-8")
    return Lark(text, parser="lalr", start=["document", "variable"], maybe_placeholders=False)


class _ParseRun:
    """One run over one text."""

    def __init__(self, text: str, start: Start) -> None:
        self.mistakes: list[ParseProblem] = []
        self._text = text
        self._recovers = start == "document"
        self._parser = _grammar().parse_interactive(text, start)
        self._counter = cast("LexerState", self._parser.lexer_thread.state).line_ctr
        self._opened: list[Token] = []
        self._last: deque[Token] = deque(maxlen=3)
        self._values = 0
        self._is_bound = False
        """Whether there is too much of something."""
        self._mistaken = 0
        """Where the last mistake is, or where it was noticed."""

    def run(self) -> Branch:
        """Raises `_Stopped` when it has to stop early."""
        while True:
            try:
                return self._read()
            except UnexpectedInput as error:
                at = self._spot(error)
                last = tuple(self._last)
                mistake = explain(SyntaxStop(self._text, at, self._parser.choices(), self._opened, last))
            except _Refused as refused:
                at, mistake = refused.at, refused.mistake
                self._is_bound = mistake.final
            self.mistakes.append(mistake)
            self._mistaken = min(at.position, mistake.spot.position)
            if mistake.final or not self._recovers or len(self.mistakes) == MOST_MISTAKES:
                raise _Stopped
            self._resume(at)

    def certain(self) -> str:
        """The lines before the first thing without an end; empty after too much of anything."""
        if self._is_bound:
            return ""
        begin = self._mistaken if not self._opened else min(self._mistaken, self._opened[0].start_pos or 0)
        return self._text[: max(self._text.rfind(end, 0, begin) for end in "\r\n") + 1]

    def _read(self) -> Branch:
        """Up to the end of the text, or to the next mistake."""
        parser = self._parser
        for token in parser.lexer_thread.lex(parser.parser_state):
            self._check(token)
            parser.feed_token(token)
            self._note(token)
        return cast("Branch", parser.feed_eof())

    def _check(self, token: Token) -> None:
        """Refuse what the grammar would take."""
        if token.type == "KEY" and "{" in token:
            before = token.index("{")
            spot = TextPosition.of(token)
            brace = TextPosition(spot.position + before, spot.line, spot.column + before)
            raise _Refused(ParseProblem("expected a space before '{'", brace), spot)
        if token.type in _OPENING and len(self._opened) == DEEPEST:
            self._refuse(token, f"nested deeper than {DEEPEST} levels")
        if token.type in _VALUES:
            self._values += 1
            if self._values > MOST_VALUES:
                self._refuse(token, f"more than {MOST_VALUES} values")

    def _refuse(self, token: Token, text: str) -> NoReturn:
        spot = TextPosition.of(token)
        raise _Refused(ParseProblem(text, spot, final=True), spot)

    def _note(self, token: Token) -> None:
        self._last.append(token)
        if token.type in _OPENING:
            self._opened.append(token)
        elif token.type in _CLOSING:
            self._opened.pop()

    def _spot(self, error: UnexpectedInput) -> TextPosition:
        if isinstance(error, UnexpectedToken) and error.token.type != "$END":
            return TextPosition.of(error.token)
        return TextPosition(self._counter.char_pos, self._counter.line, self._counter.column)

    def _resume(self, at: TextPosition) -> None:
        """Leave out what cannot be read, and go on after it."""
        to = next_line(self._text, at.position, enclosed=bool(self._opened))
        if to is None or closes_wrongly(self._text[to : to + 1], self._opened):
            raise _Stopped
        self._leave_out()
        self._move(at, to)

    def _leave_out(self) -> None:
        """Replace the entry that was begun by one broken entry."""
        states, values = self._parser.parser_state.state_stack, self._parser.parser_state.value_stack
        closed = sum(map(_opens, values)) - len(self._opened)  # but not reduced yet
        while closed or _BROKEN.type not in self._parser.choices():
            states.pop()
            closed -= _opens(values.pop())
        self._parser.feed_token(_BROKEN)
        self._last.clear()

    def _move(self, at: TextPosition, to: int) -> None:
        """Let the lexer go on at `to`, which is not before `at`."""
        passed = self._text[at.position : to]
        self._counter.line = at.line + passed.count("\n")
        begin = passed.rfind("\n") + 1
        self._counter.line_start_pos = at.position + (begin or 1 - at.column)
        self._counter.char_pos = to
        self._counter.column = to - self._counter.line_start_pos + 1


def _opens(value: Branch | Token) -> bool:
    """Whether it is a bracket, on the parser's stack of what it has read."""
    return isinstance(value, Token) and value.type in _OPENING
