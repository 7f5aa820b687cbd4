"""Faults on command: what happens to the traffic of a server in a test."""
