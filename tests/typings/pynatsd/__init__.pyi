# The public name of the package, for the types of the examples.
from app import *  # noqa: F403 - all of it
