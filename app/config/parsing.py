"""From text to tree, by ``grammar.lark``; goes on behind mistakes, to find them all."""

from collections import deque
from functools import cache
from pathlib import Path
from typing import TypeAlias, cast

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from app.config.mistakes import Mistake, Spot, Stop, closes_wrongly, explain, next_line
from app.config.scalars import READERS

Branch: TypeAlias = Tree[Token]

DEEPEST = 100
"""Levels of blocks and arrays within each other."""
MOST_VALUES = 200_000
MOST_MISTAKES = 20
"""As many are worth telling at once."""

_CLOSING = {"LBRACE": Token("_RBRACE", "}"), "LBRACKET": Token("_RBRACKET", "]")}
_BROKEN = Token("_BROKEN", "")


class _Refused(Exception):
    """A mistake that the grammar does not see."""

    def __init__(self, mistake: Mistake, at: Spot) -> None:
        super().__init__(mistake.text)
        self.mistake = mistake
        self.at = at


class _Hopeless(Exception):
    """What follows is in doubt, or is too much."""


def parse_document(text: str) -> tuple[Branch, list[Mistake]]:
    """The tree of a file, without what cannot be read, and what is wrong with it."""
    parse = _Parse(text, "document")
    try:
        return parse.run(), parse.mistakes
    except _Hopeless:
        return parse.close(), parse.mistakes


def parse_variable(text: str) -> tuple[Branch | None, list[Mistake]]:
    """The tree of a single value; there is none if anything is wrong."""
    parse = _Parse(text, "variable")
    try:
        return parse.run(), parse.mistakes
    except _Hopeless:
        return None, parse.mistakes


@cache
def _grammar() -> Lark:
    text = Path(__file__).with_name("grammar.lark").read_text("utf-8")
    return Lark(text, parser="lalr", start=["document", "variable"], maybe_placeholders=False)


class _Parse:
    """One run over one text."""

    def __init__(self, text: str, start: str) -> None:
        self.mistakes: list[Mistake] = []
        self._text = text
        self._recovers = start == "document"
        self._parser = _grammar().parse_interactive(text, start)
        self._counter = self._parser.lexer_thread.state.line_ctr
        self._opened: list[Token] = []
        self._last: deque[Token] = deque(maxlen=3)
        self._values = 0

    def run(self) -> Branch:
        """Raises `_Hopeless` when it has to stop early."""
        while True:
            try:
                return self._read()
            except UnexpectedInput as error:
                at = self._spot(error)
                last = tuple(self._last)
                mistake = explain(Stop(self._text, at, self._parser.choices(), self._opened, last))
            except _Refused as refused:
                at, mistake = refused.at, refused.mistake
            self.mistakes.append(mistake)
            if mistake.final or not self._recovers or len(self.mistakes) == MOST_MISTAKES:
                raise _Hopeless
            self._resume(at)

    def close(self) -> Branch:
        """The tree of what was read, as if all brackets closed here."""
        self._leave_out()
        for bracket in reversed(self._opened):
            self._parser.feed_token(_CLOSING[bracket.type])
        return cast("Branch", self._parser.feed_eof())

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
        spot = Spot.of(token)
        if token.type == "KEY" and "{" in token:
            before = token.index("{")
            brace = Spot(spot.position + before, spot.line, spot.column + before)
            raise _Refused(Mistake("expected a blank before '{'", brace), spot)
        if token.type in _CLOSING and len(self._opened) == DEEPEST:
            raise _Refused(Mistake(f"nested deeper than {DEEPEST} levels", spot, final=True), spot)
        if self._values > MOST_VALUES:
            raise _Refused(Mistake(f"more than {MOST_VALUES} values", spot, final=True), spot)

    def _note(self, token: Token) -> None:
        self._last.append(token)
        if token.type in READERS:
            self._values += 1
        elif token.type in _CLOSING:
            self._opened.append(token)
        elif token.type in ("_RBRACE", "_RBRACKET"):
            self._opened.pop()

    def _spot(self, error: UnexpectedInput) -> Spot:
        if isinstance(error, UnexpectedToken) and error.token.type != "$END":
            return Spot.of(error.token)
        if isinstance(error, UnexpectedCharacters):
            return Spot(error.pos_in_stream, error.line, error.column)
        return Spot(len(self._text), self._counter.line, self._counter.column)

    def _resume(self, at: Spot) -> None:
        """Leave out what cannot be read, and go on behind it."""
        to = next_line(self._text, at.position, enclosed=bool(self._opened))
        if to is None or closes_wrongly(self._text[to : to + 1], self._opened):
            raise _Hopeless
        self._leave_out()
        self._move(at, to)

    def _leave_out(self) -> None:
        """Put one broken entry in place of the one that was begun."""
        stacks = self._parser.parser_state
        while _BROKEN.type not in self._parser.choices():
            stacks.state_stack.pop()
            stacks.value_stack.pop()
        self._parser.feed_token(_BROKEN)
        self._last.clear()

    def _move(self, at: Spot, to: int) -> None:
        """Let the lexer go on at `to`, which is not before `at`."""
        passed = self._text[at.position : to]
        self._counter.line = at.line + passed.count("\n")
        begin = passed.rfind("\n") + 1
        self._counter.line_start_pos = at.position + (begin or 1 - at.column)
        self._counter.char_pos = to
        self._counter.column = to - self._counter.line_start_pos + 1
