"""A message of a leaf link is for the queue groups alone that its line names, in the plain twin.

The other server has drawn this one for them. The plans for all choices among a few groups are kept with
the plan for the subject, so that a message needs no new one.
"""

from .message import Message
from .plan import Plan

MOST_KEPT = 6
"""Queue groups of a plan up to which its narrower plans are kept."""


def narrowed(plan: Plan, message: Message) -> Plan:
    """The plan without the groups that the line does not name."""
    choice, every = 0, (1 << len(plan.groups)) - 1
    for place, parts in enumerate(plan.groups):
        choice |= (bool(parts) and parts[0].name in message.names) << place
    if choice == every:
        return plan
    found = plan.narrower.get(choice)
    if found is None:
        named = tuple(parts for place, parts in enumerate(plan.groups) if choice >> place & 1)
        hook = plan.hook if plan.plain or named else type(plan.hook)(0)
        found = Plan(plan.plain, named, plan.refusal, denied=plan.denied, hook=hook)
        if len(plan.groups) <= MOST_KEPT:
            plan.narrower[choice] = found
    return found
