"""The dashboard: a live page for operators."""
