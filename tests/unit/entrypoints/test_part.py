"""The parts of a container."""

from app.entrypoints.part import part


class Kitchen:
    """Counts what it makes."""

    def __init__(self) -> None:
        self.made: list[str] = []

    @part
    def water(self) -> str:
        """What all soups have."""
        self.made.append("water")
        return "water"

    @part
    def soup(self) -> list[str]:
        """A part that is made of another one."""
        self.made.append("soup")
        return [self.water()]


def test_a_part_is_made_when_it_is_asked_for() -> None:
    """Once, with what it needs, and for each container again."""
    kitchen, other = Kitchen(), Kitchen()
    assert [] == kitchen.made
    soup = kitchen.soup()

    assert soup is kitchen.soup()
    assert soup is not other.soup()
    assert ["soup", "water"] == kitchen.made


def test_a_part_that_is_replaced() -> None:
    """It is not made, and all others get the one in its place."""
    kitchen, other = Kitchen(), Kitchen()
    kitchen.water.override("wine")

    assert ["wine"] == kitchen.soup()
    assert ["water"] == other.soup()
    assert ["soup"] == kitchen.made


def test_a_part_that_cannot_be_made() -> None:
    """It is tried again when it is asked for again."""

    class Hungry:
        tries = 0

        @part
        def bread(self) -> float:
            """Fails at first."""
            self.tries += 1
            return 1 / (self.tries - 1)

    hungry = Hungry()
    try:
        hungry.bread()
    except ZeroDivisionError:
        assert 1.0 == hungry.bread()
    assert 2 == hungry.tries
