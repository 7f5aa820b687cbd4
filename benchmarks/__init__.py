"""Benchmarks: our server, with either twin of the data plane, beside one written in Go.

``python -m benchmarks`` measures all of them in one run on one machine, in turns, and
compares. A figure means nothing without its neighbours, so no test asserts one.
"""
