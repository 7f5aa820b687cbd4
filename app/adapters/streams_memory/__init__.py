"""Storage of streams in memory: fast, and gone with the process."""
