"""Link rights: the subjects that may pass a leaf link, by direction."""

from collections.abc import Iterable, Sequence

from ..permissions.responses import OpenReplies
from ..permissions.rule_set import Filter, RuleSet, overlap
from ..permissions.rules import Entry, Permissions, Rule, entry
from ..protocol.errors import ParserError
from ..subjects.subject import tokens_of
from ..value_object import value_object

STREAM_SUBJECTS = ("$JS.API.>", "$KV.>", "$OBJ.>")
"""What stays with a server that has streams of its own."""


class LinkRule(Filter):
    """The subjects that may pass in one direction. As a filter it drops all others."""

    __slots__ = ("_allowed", "_refused", "_replies", "_rules")

    def __init__(
        self, allowed: Sequence[Rule], denied: Iterable[Entry] = (), replies: OpenReplies | None = None
    ) -> None:
        """A subject must be allowed by each rule, or be one of `replies`, and match none of `denied`."""
        super().__init__(tuple(denied))
        self._replies = replies
        self._rules = [RuleSet(Permissions(publish=rule)) for rule in allowed]
        if replies is not None:
            self._rules.append(
                RuleSet(Permissions(publish=next(iter(allowed), Rule()), responses=replies.rule))
            )
        self._allowed = [[tokens_of(each.subject) for each in rule.allow] for rule in allowed]
        refused = [*denied, *(each for rule in allowed for each in rule.deny)]
        self._refused = [tokens_of(each.subject) for each in refused]

    def permits(self, subject: bytes) -> tuple[bool, int | None]:
        """Whether a message may pass, and how many leading tokens of its subject decided.

        None in place of these if that holds for this message alone.
        """
        dropped, decisive = self.verdict(subject)
        if dropped and self._replies is not None and not super().verdict(subject)[0]:
            return self._replies.grant(subject), None
        return not dropped, decisive

    def verdict(self, subject: bytes) -> tuple[bool, int]:
        """See `Filter`."""
        dropped, decisive = super().verdict(subject)
        for rules in () if dropped else self._rules:
            allowed, further = rules.may_publish(subject)
            decisive = max(decisive, further)
            if not allowed:
                return True, decisive
        return dropped, decisive

    def drops(self, subject: bytes) -> bool:
        """See `Filter`."""
        return self.verdict(subject)[0]

    def concerns(self, pattern: bytes) -> bool:
        """Whether anything that the pattern matches may pass, as far as a comparison of two patterns says."""
        if self._replies is not None:
            return True
        tokens = tokens_of(pattern)
        if any(_covers(each, tokens) for each in self._refused):
            return False
        return all(not listed or any(overlap(each, tokens) for each in listed) for listed in self._allowed)


def _covers(wide: Sequence[bytes], narrow: Sequence[bytes]) -> bool:
    """Whether a valid pattern matches all that another one matches."""
    for place, token in enumerate(wide):
        if token == b">":
            return len(narrow) > place
        if place >= len(narrow) or narrow[place] == b">":
            return False
        if token not in (b"*", narrow[place]):
            return False
    return len(wide) == len(narrow)


@value_object
class LinkRights:
    """What may come in over a link, and what may go out; None for everything."""

    receive: LinkRule | None = None
    send: LinkRule | None = None


EVERYTHING = LinkRights()


def link_rights(
    receive: Sequence[Rule | None],
    send: Sequence[Rule | None],
    denied: Iterable[str] = (),
    replies: OpenReplies | None = None,
) -> LinkRights:
    """The rights where all these rules hold at once; what is `denied` passes in neither direction.

    With `replies` these may be received, too, and nothing else unless a rule allows it.
    """
    both = denials(denied)
    return LinkRights(_rule(receive, both, replies), _rule(send, both))


def _rule(
    rules: Sequence[Rule | None], denied: tuple[Entry, ...], replies: OpenReplies | None = None
) -> LinkRule | None:
    given = [rule for rule in rules if rule is not None and rule != Rule()]
    return LinkRule(given, denied, replies) if given or denied or replies is not None else None


def denials(subjects: Iterable[str]) -> tuple[Entry, ...]:
    """The entries for these subjects. Raises `ParserError` for one that is none."""
    try:
        return tuple(entry(subject) for subject in subjects)
    except ValueError as error:
        raise ParserError(str(error)) from error
