"""The rules of one server, or of one host of a simulated network: which are active, and what they hit."""

from collections.abc import Callable, Collection

from .commands import FaultCommands, FaultSpec, specify
from .rules import FaultKind, Rule, Run, Selector, Tally

KEPT_RULES = 100
"""Cleared rules that are kept, for the report of a failed test."""


class RuleBook(FaultCommands[Rule]):
    """Keeps rules, and says which of them some traffic is hit by; what becomes of it is the owner's part."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        """Those that are active, and the last ones that were cleared."""
        self._latest: list[Rule] = []
        """Those that were active when the last one was made, and that."""
        self.run: Run = lambda work: work()
        """Calls what changes the server, in its thread."""

    def begin(self, spec: FaultSpec, tally: Tally | None = None) -> Rule:
        """See `FaultCommands`; rules of several servers with one `tally` count together."""
        rule = spec.rule(self.run, tally)
        self.run(lambda: self._begin(rule))
        return rule

    def _begin(self, rule: Rule) -> None:
        """The rule is in effect from now on."""
        active = [other for other in self._latest if other.is_active]
        self._latest = [*active, rule]
        cleared = [other for other in self.rules if not other.is_active]
        del cleared[:-KEPT_RULES]
        self.rules = [other for other in self.rules if other.is_active or other in cleared]
        self.rules.append(rule)

    def clear(self) -> None:
        """Clear all rules."""
        for rule in self.rules:
            rule.clear()

    # --- between servers ----------------------------------------------------------------

    def block(self, server_id: Callable[[], str], name: str = "") -> Rule:
        """Have no link with a server.

        `server_id` is asked again for each link, because a start makes a new id; `name` is shown.
        """
        return self.begin(_towards(FaultKind.PARTITION, server_id, name))

    def mute(self, server_id: Callable[[], str], name: str = "") -> Rule:
        """Lose what is sent to a server; the parameters are those of `block`."""
        return self.begin(_towards(FaultKind.ONE_WAY, server_id, name))

    def heal(self) -> None:
        """End all that `block` and `mute` have begun."""
        for rule in self.active(FaultKind.PARTITION, FaultKind.ONE_WAY):
            rule.clear()

    # --- what is hit ----------------------------------------------------------------------

    def active(self, *kinds: FaultKind) -> list[Rule]:
        """The active rules of these kinds."""
        return [rule for rule in self._latest if rule.is_about(kinds)]

    def against(self, server_id: str, *kinds: FaultKind) -> list[Rule]:
        """Those that are about a server; nothing is counted."""
        return [rule for rule in self.active(*kinds) if rule.server_id() == server_id]

    def judge(self, kinds: Collection[FaultKind], takes: Callable[[Selector], bool]) -> list[Rule]:
        """The rules that hit something which `takes` says a selector chooses; each counts it."""
        return [
            rule for rule in self._latest if rule.is_about(kinds) and takes(rule.selector) and rule.strikes()
        ]


def _towards(kind: FaultKind, server_id: Callable[[], str], name: str) -> FaultSpec:
    return specify(kind, "", {"route": name}, server_id=server_id)
