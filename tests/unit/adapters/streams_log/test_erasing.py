"""What is to be erased is not on the disk any more."""

from tests.support.store import Store, contents, fill

SECRET = b"the secret"


def bytes_of(store: Store) -> bytes:
    """Everything that is on the disk."""
    return b"".join(bytes(node.data) for node in store.disk.files().values())


def test_an_erased_message_leaves_no_bytes() -> None:
    """Its payload is overwritten after its removal is safe, and its neighbours are whole."""
    store = Store()
    stream = store.create()
    fill(stream, 2)
    stream.log.append(b"s.0", b"", SECRET, 1010)
    fill(stream, 2, time=1020)
    store.commit(stream)
    assert SECRET in bytes_of(store)
    expected = {sequence: message for sequence, message in contents(stream).items() if sequence != 3}

    stream.log.remove([3], erase=True)
    store.commit(stream)
    store.turn(0.2)
    assert SECRET not in bytes_of(store)
    assert expected == contents(store.reopened().storage.streams["S"])


def test_a_message_is_erased_that_was_just_stored() -> None:
    """Also in the turn in which it came."""
    store = Store()
    stream = store.create()
    stream.log.append(b"s", b"", SECRET, 1)
    stream.log.append(b"s", b"", b"another", 2)
    stream.log.remove([1], erase=True)
    store.commit(stream)
    store.turn(0.2)

    assert SECRET not in bytes_of(store)
    assert stream.log.count == 1


def test_erasing_goes_on_after_a_restart() -> None:
    """A server that ended between removal and overwriting is followed by one that overwrites."""
    store = Store()
    stream = store.create()
    stream.log.append(b"s", b"", SECRET, 1)
    stream.log.append(b"s", b"", b"another", 2)
    store.commit(stream)
    stream.log.remove([1], erase=True)

    def fault(operation: str, name: str) -> None:
        if operation == "write" and name.endswith("segment"):
            raise OSError(5, "Input/output error")

    store.disk.fault = fault
    store.commit(stream)
    assert SECRET in bytes_of(store)

    again = store.reopened()
    again.turn(0.2)
    again.turn(0.2)
    assert SECRET not in bytes_of(again)
    assert again.storage.streams["S"].log.count == 1


def test_what_is_no_message_is_not_overwritten() -> None:
    """A message that was erased already is left alone."""
    store = Store()
    stream = store.create()
    fill(stream, 3)
    store.commit(stream)
    stream.log.remove([2], erase=True)
    store.commit(stream)
    store.turn(0.2)
    before = bytes_of(store)
    again = store.reopened()
    again.turn(0.2)

    assert before[:200] == bytes_of(again)[:200]
    assert [1, 3] == list(contents(again.storage.streams["S"]))
