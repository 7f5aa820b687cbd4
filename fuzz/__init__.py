"""Fuzzing: whole conversations with hostile bytes, over both twins of the data plane."""
