"""Real crashes: servers that are killed under load, and what they still know after it."""
