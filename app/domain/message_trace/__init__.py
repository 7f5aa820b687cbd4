"""Message tracing: what a message asks for, and what is reported of it (ADR 0063)."""
