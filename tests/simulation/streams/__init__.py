"""Streams on a disk that loses its power: what they answered for is kept."""
