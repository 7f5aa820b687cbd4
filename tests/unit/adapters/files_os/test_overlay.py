"""What is done to an overlay is seen through it, and nowhere else."""

from pathlib import Path

import pytest

from app.adapters.files_os.files import OsFiles
from app.adapters.files_os.overlay import OverlayFiles
from app.ports.files import Files


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    files = OsFiles(tmp_path)
    files.make_directory("d")
    for name in ("d/a", "d/b"):
        files.create(name).write(0, [name.encode()])
    return tmp_path


def on_disk(root: Path) -> dict[str, bytes]:
    """Every file, as it really is."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_changes_stay_in_memory(root: Path) -> None:
    """The disk is as it was."""
    before = on_disk(root)
    files: Files = OverlayFiles(root)
    file = files.open("d/a")
    file.write(5, [b"x"])
    file.put(6, b"y")
    file.allocate(9)
    file.sync()
    assert (b"d/a\0\0xy\0\0", 9) == (file.read(0, 100), file.size())
    file.truncate(2)
    file.close()
    assert file.read(0, 100) == b"d/"
    files.make_directory("e")
    files.create("e/new").write(0, [b"new"])
    files.rename("e/new", "e/newer")
    files.rename("d/b", "e/b")
    files.remove("d/a")
    files.sync_directory("d")

    assert before == on_disk(root)
    assert ([], ["b", "newer"], ["d", "e"]) == (files.names("d"), files.names("e"), files.names("."))
    assert b"d/b" == files.open("e/b").read(0, 9)
    assert b"new" == files.open("e/newer").read(0, 9)
    for name in ("d/a", "d/b", "e/none"):
        with pytest.raises(FileNotFoundError):
            files.open(name)


def test_directories_are_renamed_and_removed(root: Path) -> None:
    """With all that is in them."""
    files = OverlayFiles(root)
    files.rename("d", "d.gone")
    assert ["a", "b"] == files.names("d.gone")
    assert b"d/a" == files.open("d.gone/a").read(0, 9)
    for name in files.names("d.gone"):
        files.remove(f"d.gone/{name}")
    files.remove_directory("d.gone")
    files.create("x")
    files.remove("x")

    assert [] == files.names(".")
    with pytest.raises(FileNotFoundError):
        files.names("missing")
    assert ["d/a", "d/b"] == sorted(on_disk(root))


def test_a_directory_has_to_be_there(tmp_path: Path) -> None:
    """A tool makes none."""
    (tmp_path / "file").touch()

    with pytest.raises(FileNotFoundError):
        OverlayFiles(tmp_path / "missing")
    with pytest.raises(NotADirectoryError):
        OverlayFiles(tmp_path / "file")


def test_a_lock_is_respected(root: Path) -> None:
    """Of a server that runs; without one nothing is made."""
    files = OverlayFiles(root)
    files.lock("lock")
    assert not (root / "lock").exists()
    files.close()
    server = OsFiles(root)
    server.lock("lock")
    with pytest.raises(BlockingIOError):
        files.lock("lock")
    server.close()
    files.lock("lock")
    files.close()
    files.close()
