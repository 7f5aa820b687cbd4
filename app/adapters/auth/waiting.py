"""Who is checked next, when checks take longer than logins come in.

Under a flood of wrong passwords a plain queue would make an honest client wait
behind all of them, and give up. Three rules keep its way short:

    * Each secret has a lane of its own, and lanes take turns. A flood against one
      user does not hold up the others.
    * A lane is served from its two ends in turn. Who came last waits for two
      checks at most, and who came first cannot be overtaken for ever.
    * Equal questions are one question, whose answer all that asked it get. Five
      hundred clients that come back at once with one password cost one check.

A question leaves with the last who asked it: it is no work for anybody any more.

Nothing is kept once it is answered: this is no cache of verdicts.
"""

from collections import OrderedDict
from collections.abc import Callable

from app.adapters.auth.secret import Secret

Verdict = Callable[[bool], None]
"""Is told whether what was given matches."""


class Question:
    """Whether `given` matches `secret`, and all who want to know."""

    __slots__ = ("_verdicts", "given", "secret", "taken")

    def __init__(self, secret: Secret, given: bytes) -> None:
        self.secret = secret
        self.given = given
        self.taken = False
        """Whether somebody works on it, or has."""
        self._verdicts: dict[Verdict, None] = {}

    def asked_by(self, verdict: Verdict) -> None:
        """Note one who wants to know; each has a verdict of its own."""
        self._verdicts[verdict] = None

    def withdrawn_by(self, verdict: Verdict) -> bool:
        """Forget one who asked; whether nobody is left."""
        self._verdicts.pop(verdict, None)
        return not self._verdicts

    def verdicts(self) -> list[Verdict]:
        """All who want to know."""
        return list(self._verdicts)

    def settle(self, *, right: bool) -> None:
        """Answer everyone."""
        for verdict in self.verdicts():
            verdict(right)


class _Lane:
    """The questions about one secret, by what was given, the oldest first."""

    __slots__ = ("_newest_next", "questions")

    def __init__(self) -> None:
        self.questions: OrderedDict[bytes, Question] = OrderedDict()
        self._newest_next = False

    def take(self) -> Question:
        _, question = self.questions.popitem(last=self._newest_next)
        self._newest_next = not self._newest_next
        question.taken = True
        return question


class WaitingRoom:
    """Questions that nobody works on yet, `capacity` of them at most."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._lanes: OrderedDict[Secret, _Lane] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        """How many questions wait; equal ones count as one."""
        return self._count

    def add(self, secret: Secret, given: bytes, verdict: Verdict) -> tuple[Question, Question | None]:
        """Let one more ask. Returns the question, and the one that has to leave for want of room.

        A question that is asked again counts as new, so that those who ask it are
        answered soon, however many they are.
        """
        lane = self._lanes.get(secret)
        if lane is not None and given in lane.questions:
            lane.questions.move_to_end(given)
            lane.questions[given].asked_by(verdict)
            return lane.questions[given], None
        leaving = self._make_room() if self._count >= self._capacity else None
        question = Question(secret, given)
        question.asked_by(verdict)
        self._lanes.setdefault(secret, _Lane()).questions[given] = question
        self._count += 1
        return question, leaving

    def withdraw(self, question: Question, verdict: Verdict) -> None:
        """Let one ask no more; with the last one the question leaves, if it still waits."""
        lane = self._lanes.get(question.secret)
        if not question.withdrawn_by(verdict) or lane is None:
            return
        if lane.questions.get(question.given) is question:
            del lane.questions[question.given]
            self._count -= 1
            if not lane.questions:
                del self._lanes[question.secret]

    def _make_room(self) -> Question:
        """Send away the oldest of the longest lane: nobody waits there any more, most likely."""
        secret = max(self._lanes, key=lambda lane: len(self._lanes[lane].questions))
        lane = self._lanes[secret]
        _, question = lane.questions.popitem(last=False)
        self._count -= 1
        if not lane.questions:
            del self._lanes[secret]
        return question

    def take(self) -> Question | None:
        """The question to work on next; None when nobody waits."""
        if not self._lanes:
            return None
        secret, lane = self._lanes.popitem(last=False)
        question = lane.take()
        self._count -= 1
        if lane.questions:
            self._lanes[secret] = lane
        return question

    def clear(self) -> None:
        """Forget everyone, unanswered."""
        self._lanes.clear()
        self._count = 0
