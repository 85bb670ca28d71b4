"""What each apply changed, kept for `mai undo` in `.mai/.undo/`, which git ignores.

An entry is one zip: `entry.json` and the touched files before and after, each as an archive of
`project/tree.py`. The same file is the log of the apply that makes it: `applying` while files are
being swapped, its number from then on.
"""

import io
import json
import zipfile
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from ..errors import Refused
from ..project.tree import File, Tree, from_archive, to_archive
from . import disk

FOLDER = ".mai/.undo"
KEPT = 20
_APPLYING = "applying"


@dataclass(frozen=True)
class Entry:
    """One apply: the touched files of before and after; a path that is absent had no file."""

    number: int
    command: str
    file: Path

    @cached_property
    def before(self) -> Tree:
        return from_archive(_member(self.file, "before.tar.gz"))

    @cached_property
    def after(self) -> Tree:
        return from_archive(_member(self.file, "after.tar.gz"))

    @property
    def paths(self) -> list[str]:
        return sorted({*self.before, *self.after})


def entries(root: Path) -> list[Entry]:
    """The applies that can be undone, the newest last; no file of them is unpacked yet."""
    return [_read(_file(root, number), number) for number in _numbers(root)]


def latest(root: Path) -> Entry | None:
    """The last apply; nothing when none is kept."""
    numbers = _numbers(root)
    return _read(_file(root, numbers[-1]), numbers[-1]) if numbers else None


def drop(root: Path, entry: Entry) -> None:
    """Forgets `entry`."""
    with disk.failing("`mai undo` would undo this again"):
        entry.file.unlink(missing_ok=True)
        disk.sync_folder(root / FOLDER)


def amend(root: Path, entry: Entry, path: str, before: File | None, after: File | None) -> Entry:
    """`entry` with one more path, such as `uv.lock` that `uv lock` rewrote right afterwards."""
    changed = _pack(
        entry.command, _with(entry.before, path, before), _with(entry.after, path, after)
    )
    new = root / FOLDER / ".amended"
    with disk.failing(f"`mai undo` leaves {path!r} as it is"):
        new.unlink(missing_ok=True)
        disk.write(new, File(changed))
        new.replace(entry.file)
        disk.sync_folder(root / FOLDER)
    return _read(entry.file, entry.number)


def write_log(staged: Path, command: str, before: Tree, after: Tree) -> None:
    """Writes to `staged` what `begin` commits."""
    disk.write(staged, File(_pack(command, before, after)))


def begin(root: Path, staged: Path) -> Entry:
    """Commits an apply: from here it is finished by whoever comes next, unless abandoned."""
    log = root / FOLDER / _APPLYING
    staged.replace(log)
    disk.sync_folder(root / FOLDER)
    return _read(log, _next_number(root))


def abandon(root: Path) -> None:
    """Takes the commit back: every file is as it was."""
    (root / FOLDER / _APPLYING).unlink(missing_ok=True)


def begun(root: Path) -> Entry | None:
    """The apply that was committed and has not come to its end."""
    log = root / FOLDER / _APPLYING
    return _read(log, _next_number(root)) if log.exists() else None


def finish(root: Path, entry: Entry) -> Entry:
    """Ends the apply that `begun` gave: its log is an entry, and the oldest beyond `KEPT` go."""
    kept = replace(entry, file=_file(root, entry.number))
    entry.file.replace(kept.file)
    # The apply is done: what fails now, the next one puts right.
    with suppress(OSError):
        disk.sync_folder(root / FOLDER)
        for number in _numbers(root)[:-KEPT]:
            _file(root, number).unlink()
    return kept


def _file(root: Path, number: int) -> Path:
    return root / FOLDER / f"{number:04}.zip"


def _numbers(root: Path) -> list[int]:
    stems = (file.stem for file in (root / FOLDER).glob("*.zip"))
    return sorted(int(stem) for stem in stems if stem.isdecimal())


def _next_number(root: Path) -> int:
    return max(_numbers(root), default=0) + 1


def _read(file: Path, number: int) -> Entry:
    stated = json.loads(_member(file, "entry.json"))
    return Entry(number, stated["command"], file)


def _pack(command: str, before: Tree, after: Tree) -> bytes:
    members = {
        "entry.json": json.dumps({"command": command}).encode(),
        "before.tar.gz": to_archive(before),
        "after.tar.gz": to_archive(after),
    }
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return raw.getvalue()


def _member(file: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.read(name)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise Refused(
            f"{str(file)!r} cannot be read: {error}",
            "delete it; `git diff` shows whether its change is whole",
        ) from error


def _with(tree: Tree, path: str, file: File | None) -> Tree:
    rest = {name: kept for name, kept in tree.items() if name != path}
    return rest if file is None else {**rest, path: file}
