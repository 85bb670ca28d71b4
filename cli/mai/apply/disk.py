"""One file or folder at a time, written so that a power cut cannot halve it."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import WriteFailed
from ..project.tree import File

BESIDE = ".mai-swap"
"""A file on its way to a folder of another file system; only while it is being moved."""


@contextmanager
def failing(hint: str) -> Iterator[None]:
    """Turns an error of the disk into `WriteFailed` with that hint."""
    try:
        yield
    except OSError as error:
        raise WriteFailed(str(error.filename or "the project"), error, hint) from error


@contextmanager
def naming(path: str) -> Iterator[None]:
    """Lets an error of the disk name the project's `path`, not that of a staged file."""
    try:
        yield
    except OSError as error:
        error.filename = path
        raise


def read(path: Path) -> File | None:
    """The file at `path`, through links; nothing when there is none, or something else."""
    if not path.is_file():
        return None
    return File(path.read_bytes(), bool(path.stat().st_mode & 0o100))


def same(one: File | None, other: File | None) -> bool:
    """Whether both are the same file; Windows keeps no exec bit."""
    if one is None or other is None or os.name != "nt":
        return one == other
    return one.content == other.content


def write(path: Path, file: File, like: Path | None = None) -> None:
    """Makes the new file `path` and waits until the disk has it.

    It gets the mode of the file `like`, but for the exec bits when these are to change.
    """
    path.touch(mode=0o777 if file.executable else 0o666, exist_ok=False)
    with naming(str(path)), path.open("wb") as stream:
        stream.write(file.content)
        stream.flush()
        if like is not None:
            path.chmod(_mode(stat.S_IMODE(like.stat().st_mode), executable=file.executable))
        os.fsync(stream.fileno())


def keep(path: Path, copy: Path) -> None:
    """Makes `copy` the same file as `path`, be it a link; copied where it cannot be shared."""
    try:
        os.link(path, copy, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(path, copy, follow_symlinks=False)


def move(source: Path, path: Path) -> None:
    """Puts the file `source` in the place of `path` at once, from another file system too."""
    try:
        source.replace(path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_across(source, path)


def sync_folder(folder: Path) -> None:
    """Waits until the disk has the names in `folder`."""
    if os.name == "nt":
        return  # a folder cannot be opened there
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with naming(str(folder)):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> list[Path]:
    """Makes `folder` and those above it; those that it made, the uppermost first."""
    made: list[Path] = []
    try:
        for missing in reversed([f for f in (folder, *folder.parents) if not f.exists()]):
            missing.mkdir()
            made.append(missing)
    except OSError:
        remove_folders(made)
        raise
    return made


def remove_folders(folders: list[Path]) -> None:
    """Removes those of `folders` that are empty, the last first."""
    for folder in reversed(folders):
        with suppress(OSError):
            folder.rmdir()


def remove_if_unused(folder: Path) -> bool:
    """Removes a folder that holds nothing, or nothing but compiled Python; whether it did."""
    try:
        if [child.name for child in folder.iterdir()] == ["__pycache__"]:
            _remove_compiled(folder / "__pycache__")
        folder.rmdir()
    except OSError:
        return False
    return True


def _remove_compiled(cache: Path) -> None:
    if all(child.suffix == ".pyc" for child in cache.iterdir()):
        shutil.rmtree(cache)


def _move_across(source: Path, path: Path) -> None:
    beside = path.with_name(BESIDE)
    try:
        shutil.copy2(source, beside, follow_symlinks=False)
        if not beside.is_symlink():
            with beside.open("rb+") as stream:
                os.fsync(stream.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _mode(mode: int, *, executable: bool) -> int:
    if bool(mode & 0o100) == executable:
        return mode
    return mode | (mode & 0o444) >> 2 if executable else mode & ~0o111
