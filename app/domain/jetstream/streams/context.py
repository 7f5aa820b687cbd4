"""What the parts of a stream share."""

from typing import NamedTuple

from .commits import Commits
from .contents import Contents
from .duplicates import DuplicateWindow
from .expiry import Expiry
from .host import StreamHost
from .jobs import Jobs
from .learning import Learner
from .schedules import Schedules


class StreamContext(NamedTuple):
    """Of one stream."""

    contents: Contents
    commits: Commits
    duplicates: DuplicateWindow
    expiry: Expiry
    schedules: Schedules
    learner: Learner
    jobs: Jobs
    host: StreamHost
