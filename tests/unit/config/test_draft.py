"""Unit tests of drafts."""

from app.config.draft import Draft
from app.config.errors import Place

HERE, THERE = Place("x.conf", 1, 1), Place("x.conf", 2, 5)


def test_what_was_given() -> None:
    """A value is found by its path; what was not given is None."""
    draft = Draft({"port": 1, "cluster": {"port": 2}})

    assert 1 == draft.get("port")
    assert 2 == draft.get("cluster", "port")
    assert draft.get("host") is None
    assert draft.get("port", "what") is None


def test_putting_makes_sections() -> None:
    """A value may be given for a section that nobody mentioned, or that is none."""
    draft = Draft({"tls": 5})

    draft.put("u", "cluster", "authorization", "user")
    draft.put("c.pem", "tls", "cert_file")

    assert {"tls": {"cert_file": "c.pem"}, "cluster": {"authorization": {"user": "u"}}} == draft.values


def test_places() -> None:
    """What has no place of its own has that of what it is a part of."""
    draft = Draft()
    draft.mark(("users",), HERE)
    draft.mark(("users", 1), THERE)

    assert THERE == draft.place(("users", 1, "user"))
    assert HERE == draft.place(("users", 0))
    assert draft.place(("port",)) is None
    assert draft.place(()) is None


def test_what_is_put_stands_nowhere() -> None:
    """A value that replaces another has no place, and neither have its parts."""
    draft = Draft({"routes": ("a",), "port": 1})
    for path in (("routes",), ("routes", 0), ("port",)):
        draft.mark(path, HERE)

    draft.put(("b",), "routes")

    assert draft.place(("routes", 0)) is None
    assert HERE == draft.place(("port",))


def test_dropping() -> None:
    """What is dropped is as if it had not been given; it may be dropped again."""
    draft = Draft({"tls": {"verify": True}})

    draft.drop("tls", "verify")
    draft.drop("tls", "verify")
    draft.drop("cluster", "routes")

    assert {"tls": {}} == draft.values


def test_the_given_mapping_is_left_alone() -> None:
    """A draft made of a mapping changes nothing at its top."""
    given = {"port": 1}

    Draft(given).put(2, "port")

    assert {"port": 1} == given
