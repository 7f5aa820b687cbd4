"""Crashes of the store: what was acknowledged is there, whatever the disk kept of the rest."""
