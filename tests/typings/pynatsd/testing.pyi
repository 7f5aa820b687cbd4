# The same for what tests import.
from app.testing import *  # noqa: F403 - all of it
