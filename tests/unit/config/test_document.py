"""Unit tests of values with places."""

from app.config.document import Block, Item, Member
from app.config.errors import Place

HERE, THERE = Place("x.conf", 1, 1), Place("x.conf", 2, 5)


def test_what_was_given() -> None:
    """A value is found by its path; what was not given is None."""
    block = Block.of({"port": 1, "cluster": {"port": 2}, "users": ({"user": "u"},)})

    assert 1 == block.get("port")
    assert 2 == block.get("cluster", "port")
    assert ({"user": "u"},) == block.get("users")
    assert block.get("host") is None
    assert block.get("port", "what") is None
    assert block.get("users", "user") is None


def test_the_last_of_several_counts() -> None:
    """A key that is there twice has its last value."""
    block = Block((Member("a", HERE, Item(1, HERE)), Member("a", THERE, Item(2, THERE))))

    assert {"a": 2} == block.plain()
    assert 2 == block.get("a")
    assert THERE == block.place(("a",))


def test_putting_makes_sections() -> None:
    """A value may be put into a section that is not there, or that is none."""
    block = Block.of({"tls": 5}).put("u", "cluster", "authorization", "user").put("c.pem", "tls", "cert_file")

    assert {"tls": {"cert_file": "c.pem"}, "cluster": {"authorization": {"user": "u"}}} == block.plain()


def test_places() -> None:
    """What has no place of its own has that of what it is a part of."""
    users = Item((Item("a"), Item(Block.of({"user": "u"}), THERE)), HERE)
    block = Block.of({"users": users, "port": 1})

    assert THERE == block.place(("users", 1, "user"))
    assert HERE == block.place(("users", 0))
    assert HERE == block.place(("users", 0, "what"))
    assert block.place(("port",)) is None
    assert block.place(("nope",)) is None
    assert block.place(()) is None


def test_a_value_that_was_put_is_in_no_file() -> None:
    """A value that replaces another has no place, and neither have its parts; its section keeps its own."""
    section = Item(Block.of({"routes": Item((Item("a", HERE),), HERE), "port": Item(1, HERE)}), THERE)

    block = Block.of({"cluster": section, "routes": Item((Item("a", HERE),), HERE)})
    block = block.put(("b",), "routes").put(("b",), "cluster", "routes")

    assert block.place(("routes", 0)) is None
    assert THERE == block.place(("cluster", "routes", 0))
    assert HERE == block.place(("cluster", "port"))


def test_dropping() -> None:
    """What is dropped is as if it had not been given; it may be dropped again."""
    block = Block.of({"tls": {"verify": True}, "port": 1})

    block = block.drop("tls", "verify").drop("tls", "verify").drop("cluster", "routes").drop("port", "what")

    assert {"tls": {}, "port": 1} == block.plain()


def test_a_block_never_changes() -> None:
    """Putting and dropping make other blocks."""
    block = Block.of({"tls": {"verify": True}})
    block.put("x", "tls", "verify")
    block.drop("tls")

    assert {"tls": {"verify": True}} == block.plain()


def test_values_are_not_shown() -> None:
    """A value may be a secret, and no representation holds it."""
    assert "s3cret" not in repr(Block.of({"authorization": {"password": "s3cret"}}))
