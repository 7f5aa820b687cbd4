"""The rules of the broker: pure, synchronous, without input or output."""
