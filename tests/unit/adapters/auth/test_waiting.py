"""Unit tests of who is checked next."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from app.adapters.auth.secret import PlainSecret
from app.adapters.auth.waiting import WaitingRoom

DEREK, ALICE = PlainSecret("derek"), PlainSecret("alice")


def ignore(right: bool) -> None:  # noqa: FBT001 - a verdict's signature
    """A verdict nobody waits for."""


def room_with(*given: bytes, capacity: int = 1000) -> WaitingRoom:
    """A room where one password after the other was given for Derek."""
    room = WaitingRoom(capacity)
    for password in given:
        room.add(DEREK, password, ignore)
    return room


def taken(room: WaitingRoom) -> list[bytes]:
    """All that waits, in the order in which it is worked on."""
    order: list[bytes] = []
    while (question := room.take()) is not None:
        order.append(question.given)
    return order


def test_an_empty_room() -> None:
    """Where nobody waits there is nothing to do."""
    room = WaitingRoom(1)

    assert room.take() is None
    assert not room


def test_the_first_and_the_last_take_turns() -> None:
    """Of one lane the oldest is served, then the newest, and so on."""
    room = room_with(b"1", b"2", b"3", b"4", b"5")

    assert [b"1", b"5", b"2", b"4", b"3"] == taken(room)


def test_an_honest_client_behind_a_flood() -> None:
    """Who comes behind two hundred wrong passwords waits for one of them."""
    room = room_with(*(b"wrong %d" % number for number in range(200)), b"right")

    assert [b"wrong 0", b"right"] == taken(room)[:2]


def test_an_honest_client_before_a_flood() -> None:
    """Who came first is not overtaken by the two hundred that come after."""
    room = room_with(b"right", *(b"wrong %d" % number for number in range(200)))

    assert b"right" == taken(room)[0]


def test_lanes_take_turns() -> None:
    """A flood against one user holds up nobody who logs in as another."""
    room = room_with(b"1", b"2", b"3")
    room.add(ALICE, b"hers", ignore)

    assert [b"1", b"hers", b"3", b"2"] == taken(room)


def test_equal_questions_are_one() -> None:
    """Many that give the same password for the same user are answered together, each once."""
    told: list[tuple[int, bool]] = []
    room = WaitingRoom(2)

    def note(number: int, right: bool) -> None:  # noqa: FBT001 - as a verdict is given
        told.append((number, right))

    for number in range(500):
        room.add(DEREK, b"same", partial(note, number))

    assert 1 == len(room)

    question = room.take()
    assert question is not None
    question.settle(right=True)

    assert [(number, True) for number in range(500)] == told
    assert room.take() is None


def test_the_same_password_of_two_users_is_two_questions() -> None:
    """Equal passwords of different users are compared with different secrets."""
    room = room_with(b"same")
    room.add(ALICE, b"same", ignore)

    assert 2 == len(room)


def test_a_question_that_is_repeated_is_new() -> None:
    """Those who repeat a question are soon answered, so that they cannot pile up."""
    room = room_with(b"1", b"2", b"3", b"4", b"5", b"3")

    assert [b"1", b"3", b"2", b"5", b"4"] == taken(room)


def test_a_full_room_sends_the_oldest_of_the_longest_lane_away() -> None:
    """Room is made at the cost of the flood, and of who has waited longest in it."""
    room = room_with(b"1", b"2", b"3", capacity=4)
    room.add(ALICE, b"hers", ignore)

    _, leaving = room.add(ALICE, b"more", ignore)

    assert leaving is not None
    assert b"1" == leaving.given
    assert 4 == len(room)
    assert [b"2", b"hers", b"3", b"more"] == taken(room)


def test_a_room_for_one() -> None:
    """The newcomer is taken even when it sends the only other away."""
    room = room_with(b"1", capacity=1)

    _, leaving = room.add(ALICE, b"hers", ignore)

    assert leaving is not None
    assert b"1" == leaving.given
    assert [b"hers"] == taken(room)


def test_a_question_that_is_withdrawn() -> None:
    """A question leaves with the last who asked it, and its lane with its last question."""
    room = WaitingRoom(8)
    verdicts = [partial(_note, []) for _ in range(3)]
    first, _ = room.add(DEREK, b"1", verdicts[0])
    again, _ = room.add(DEREK, b"1", verdicts[1])
    room.add(DEREK, b"2", verdicts[2])

    room.withdraw(first, verdicts[0])
    shared = len(room)
    room.withdraw(again, verdicts[1])
    room.withdraw(again, verdicts[1])

    assert first is again
    assert (2, 1) == (shared, len(room))
    assert [b"2"] == taken(room)


def test_a_lane_that_is_withdrawn() -> None:
    """The only question of a user leaves nothing in the way of the others."""
    room = room_with(b"1")
    question, _ = room.add(ALICE, b"hers", ignore)

    room.withdraw(question, ignore)

    assert [b"1"] == taken(room)


def test_a_question_that_is_withdrawn_too_late() -> None:
    """What was taken, or asked again since, is not touched."""
    room = WaitingRoom(8)
    old, _ = room.add(DEREK, b"1", ignore)
    taken_one = room.take()
    new, _ = room.add(DEREK, b"1", ignore)

    room.withdraw(old, ignore)

    assert taken_one is old
    assert (True, False) == (old.taken, new.taken)
    assert [] == old.verdicts()
    assert [b"1"] == taken(room)


def test_a_cleared_room() -> None:
    """Nobody waits in a room that was cleared."""
    room = room_with(b"1", b"2")

    room.clear()

    assert 0 == len(room)
    assert room.take() is None


@given(
    arrivals=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.booleans()), max_size=60),
    capacity=st.integers(1, 8),
)
def test_everyone_is_answered_once(arrivals: list[tuple[int, int, bool]], capacity: int) -> None:
    """Whatever comes in whatever order, each who asks gets one answer, and the room keeps its bound."""
    secrets = [PlainSecret(str(number)) for number in range(4)]
    answers: list[int] = []
    room = WaitingRoom(capacity)

    for number, (user, password, work) in enumerate(arrivals):
        _, leaving = room.add(secrets[user], b"%d" % password, partial(_note, answers, number))
        assert len(room) <= capacity
        for question in (leaving, room.take() if work else None):
            if question is not None:
                question.settle(right=False)
    while (question := room.take()) is not None:
        question.settle(right=False)

    assert list(range(len(arrivals))) == sorted(answers)
    assert not room


def _note(answers: list[int], number: int, right: bool) -> None:  # noqa: FBT001 - a verdict's signature
    assert not right
    answers.append(number)
