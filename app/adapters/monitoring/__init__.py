"""Monitoring over HTTP: what operators, dashboards and probes read.

Only ``monitor`` is imported before it is known that monitoring is on: FastAPI and
uvicorn take half a second.
"""
