"""Sizes, budgets and marks that both data plane twins keep, and that the control plane may know."""

RECEIVE_BYTES = 256 * 1024
"""Size of the receive buffer that all connections of a plane share."""

OWN_BYTES = 64 * 1024
"""A message that needs more than this gets a buffer of its own, filled in place,
so that it is neither moved nor scanned again by every read."""

TURN_WORK = 8 * 1024 * 1024
"""Work units of messages after which an ingest lets others have a turn, whatever the
clock says. A message costs `DELIVERY_WORK`, and for each receiver as much plus its bytes."""

DELIVERY_WORK = 64

CHECK_WORK = 8 * 1024
"""Work units of messages after which the clock is checked."""

RECEIVERS_PER_CHECK = 1024
"""Receivers of one message after which the clock is checked."""

LONGEST_RUN_FANOUT = 4096
"""A message for more plain receivers is published alone, so that its delivery can be interrupted."""

FLUSH_SECONDS = 0.005
"""How long outboxes are handed over in one go."""

OUTBOXES_PER_CHECK = 16
"""Outboxes handed over after which the clock is checked."""

BYTES_PER_CHECK = 512 * 1024
"""Bytes handed over after which it is checked as well."""

REFERENCED_BYTES = 16 * 1024
"""A message that is at least as large is not copied for each receiver."""

FLUSH_BYTES = 8 * 1024 * 1024
"""Bytes handed to wires in one go: the system copies them, which takes it some milliseconds."""

MOST_CANDIDATES = 64
"""Receivers examined to find one that is ready: members of a queue group, and others a publisher serves."""

PLAN_BUDGET = 32 * 1024 * 1024
"""Bytes that the plan cache may hold: entries, keys, and the plans with what they list.
What an object takes is an estimate of each twin. A full cache is emptied."""

DEEPEST_KIND = 32
"""Plans that were decided by this number of leading tokens or more are kept for one subject only."""

MEMBER_MARK = b"QRSID:"
"""How a sid begins that names one member of a queue group, on routes."""

PLAIN_MARK = b"RSID:"
"""The same of a plain subscription: with a Q before it, it is found by its sid (`reach.Naming.ALL`)."""

FAR_MEMBER = MEMBER_MARK + b"~"
"""How it begins where the member is at the end of another server's link; its cluster and number follow."""

NOT_FOR = MEMBER_MARK + b"^"
"""How a sid on routes begins in place of that of a subscription, where a message is not for all.

The name of a cluster follows, in short, or nothing, and numbers of links after a ``#``: no link to a
leaf node of this cluster gets the message, and none of these links.
"""
