"""Compatibility: the protocol of current servers, or that of gnatsd 0.8.0 to the byte."""

from enum import Enum


class Compatibility(Enum):
    """What clients find here; the value is its name in a configuration."""

    CURRENT = "current"
    GNATSD = "0.8.0"
