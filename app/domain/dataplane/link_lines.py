"""What is sent over a leaf link, in the plain twin: one line for all receivers that are there.

The line is matched again at the other side, so two lines would give its plain subscriptions the
message twice.
"""

from collections import Counter
from collections.abc import Sequence

from .constants import FAR_MEMBER
from .draw import Draw
from .joining import joined
from .message import Message
from .outbox import Outbox
from .plan import Plan, Target, pick
from .reach import Naming


def receivers_in_lines(plan: Plan, draw: Draw, skip: Outbox | None) -> list[Target]:
    """The drawn members of the mixed groups of a plan, and its targets at leaf links, one for each link."""
    members = [pick(parts, draw, skip) for parts in plan.groups[: plan.mixed]]
    drawn = [member for member in members if member is not None and member.outbox is not None]
    plain = plan.plain[len(plan.plain) - plan.links :]
    others = [target for target in plain if target.outbox is not skip]
    if any(target.sid.startswith(FAR_MEMBER) for target in drawn):
        _count_all([*drawn, *others])
        return joined([*drawn, *others], Target)
    return _one_by_one(drawn, others)


def _one_by_one(drawn: Sequence[Target], others: Sequence[Target]) -> list[Target]:
    """The members in their order, then the links that have no line yet."""
    names: dict[Outbox, list[Target]] = {}
    for target in drawn:
        if target.outbox is not None and target.outbox.leaf:
            names.setdefault(target.outbox, []).append(target)
    found: list[Target] = []
    done: set[Outbox] = set()
    for target in (*drawn, *others):
        outbox = target.outbox
        if outbox is None or not outbox.leaf:
            found.append(target)
            continue
        line = names.get(outbox, [target])
        if outbox in done or len(line) > 1:
            target.delivered += 1
        if outbox not in done:
            found.append(line[0] if len(line) == 1 else Target(outbox, b" ".join(t.sid for t in line), None))
            done.add(outbox)
    return found


def _count_all(targets: Sequence[Target]) -> None:
    """Count the message for those that have no line of their own."""
    sharing = Counter(target.outbox for target in targets)
    for target in targets:
        if target.outbox is not None and target.outbox.leaf and sharing[target.outbox] > 1:
            target.delivered += 1


def is_lost(outbox: Outbox) -> bool:
    """Whether a message that shows another subject than its receivers subscribe to cannot be sent there."""
    return outbox.naming == Naming.MEMBERS and not outbox.leaf


def head_for(target: Target, message: Message, outbox: Outbox) -> bytes:
    """The line up to what follows the receiver, of a message that a plain receiver gets unchanged."""
    if outbox.leaf:
        return message.start if message.header else b"L" + message.start
    return message.start + target.sid + b" "


def line_for(target: Target, message: Message, tail: bytes, outbox: Outbox) -> tuple[bytes, bytes]:
    """The line up to what follows the receiver, and the rest with the payload; see `Outbox.deliver`.

    `tail` is the end of the message as it has come.
    """
    headed = bool(message.header) and outbox.headers
    if message.header and not headed:
        tail = message.without_header(tail)
    if not outbox.leaf:
        sid = target.direct.sid if message.shown else target.sid
        return (message.start if headed else message.plain_start) + sid + b" ", tail
    verb = b"HMSG " if headed else b"LMSG "
    if not target.sid and not message.shown:
        return verb + message.subject + b" ", tail
    payload = tail[tail.index(b"\n") + 1 :]
    sizes = b"%d %d" % (message.header, message.size) if headed else b"%d" % (len(payload) - 2)
    reply = message.reply + b"@" + message.shown if message.shown else message.reply
    mark = b" " if not target.sid else b" + " if reply else b" |"
    groups = b" " + target.sid if target.sid else b""
    return verb + message.subject + mark + reply + groups + b" ", sizes + b"\r\n" + payload
