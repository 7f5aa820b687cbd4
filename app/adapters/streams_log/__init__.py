"""Storage of streams on disk: segments of messages, and a journal of everything else (ADR 0049)."""
