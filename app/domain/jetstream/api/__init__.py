"""The calls of `$JS.API`: JSON in, JSON out."""
