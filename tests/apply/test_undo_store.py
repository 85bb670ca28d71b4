import errno
import os
from itertools import pairwise
from pathlib import Path

import pytest
from mai.apply.transaction import apply, locked
from mai.apply.undo_store import FOLDER, KEPT, Entry, amend, drop, entries, latest
from mai.errors import Refused, WriteFailed
from mai.project.tree import File

from tests.apply.steps import at_step, broken, disk_full, outcomes

ONE = {"a": File(b"one")}


def change(root: Path, old: dict[str, File], new: dict[str, File], command: str = "mai") -> Entry:
    with locked(root):
        entry = apply(root, outcomes(old, new), command)
    assert entry is not None
    return entry


def test_no_entry_is_known_before_the_first_apply(tmp_path: Path) -> None:
    assert latest(tmp_path) is None
    assert entries(tmp_path) == []


def test_the_last_ones_are_kept_with_what_they_changed(tmp_path: Path) -> None:
    versions = [{"a": File(str(n).encode(), executable=n % 2 == 1)} for n in range(KEPT + 4)]
    old: dict[str, File] = {}
    for number, new in enumerate(versions):
        change(tmp_path, old, new, f"mai add tool t{number}")
        old = new
    kept = entries(tmp_path)
    assert [entry.number for entry in kept] == list(range(5, KEPT + 5))
    assert [entry.command for entry in kept] == [f"mai add tool t{n}" for n in range(4, KEPT + 4)]
    assert latest(tmp_path) == kept[-1]
    assert [(entry.before, entry.after) for entry in kept] == list(pairwise(versions[3:]))


def test_a_path_without_a_file_is_absent(tmp_path: Path) -> None:
    made = change(tmp_path, {}, {"ü ö/a b": File(b"")})
    gone = change(tmp_path, {"ü ö/a b": File(b"")}, {})
    assert (made.before, made.after) == ({}, {"ü ö/a b": File(b"")})
    assert (gone.before, gone.after) == ({"ü ö/a b": File(b"")}, {})


def test_the_same_change_gives_the_same_bytes(tmp_path: Path) -> None:
    one = change(tmp_path / "one", {}, ONE)
    other = change(tmp_path / "other", {}, ONE)
    assert one.file.read_bytes() == other.file.read_bytes()


def test_a_dropped_entry_is_forgotten(tmp_path: Path) -> None:
    first = change(tmp_path, {}, ONE)
    drop(tmp_path, change(tmp_path, ONE, {}))
    assert entries(tmp_path) == [first]


def test_a_file_written_afterwards_belongs_to_the_same_entry(tmp_path: Path) -> None:
    entry = change(tmp_path, {}, ONE, "mai add tool clock")
    amend(tmp_path, entry, "uv.lock", None, File(b"first lock"))
    amended = amend(tmp_path, entry, "uv.lock", File(b"old lock"), File(b"new lock"))
    assert latest(tmp_path) == amended
    assert amended.command == "mai add tool clock"
    assert amended.before == {"uv.lock": File(b"old lock")}
    assert amended.after == {**ONE, "uv.lock": File(b"new lock")}


def test_an_amendment_that_fails_leaves_the_entry_whole(tmp_path: Path) -> None:
    entry = change(tmp_path, {}, ONE)
    lock = File(b"lock")
    for number in range(1, 20):
        with broken(at_step(number), disk_full) as breaking:
            error = failure_of(tmp_path, entry, lock)
        found = latest(tmp_path)
        assert found is not None
        assert found.after in (ONE, {**ONE, "uv.lock": lock})
        if not breaking.struck:
            assert error is None
            assert found.after == {**ONE, "uv.lock": lock}
            return
        assert error is not None
        assert os.strerror(errno.ENOSPC) in error.message
        assert "uv.lock" in error.hint
    pytest.fail("an amendment takes ever more steps")


def failure_of(root: Path, entry: Entry, lock: File) -> WriteFailed | None:
    try:
        amend(root, entry, "uv.lock", None, lock)
    except WriteFailed as error:
        return error
    return None


def test_an_entry_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    change(tmp_path, {}, ONE).file.write_bytes(b"PK, but no zip")
    with pytest.raises(Refused, match=r"0001\.zip' cannot be read"):
        latest(tmp_path)


def test_a_log_that_cannot_be_read_stops_every_command(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "applying").write_bytes(b"")
    with pytest.raises(Refused, match="applying' cannot be read") as refused, locked(tmp_path):
        pass
    assert "delete it" in refused.value.hint
