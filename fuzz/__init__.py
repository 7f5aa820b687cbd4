"""Fuzzing: sessions with hostile input, on both twins of the data plane."""
