"""Giving memory back."""

import ctypes

import pytest

from app.adapters.process.heap import find_trim


def test_glibc_is_asked_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """All free memory is given back, no reserve kept."""
    asked: list[int] = []

    class Library:
        """Notes what it is asked."""

        malloc_trim = asked.append

    monkeypatch.setattr(ctypes, "CDLL", lambda _name: Library)
    find_trim()()

    assert [0] == asked


def test_without_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the C library cannot be asked, nothing happens."""

    def refuse(_name: None) -> None:
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    give_back = find_trim()

    give_back()
    assert callable(give_back)
