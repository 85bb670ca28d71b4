"""A project on disk, read and never written."""

import json
import os
import tarfile
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..errors import BrokenProject, NotAProject
from . import lock as _lock
from . import manifest as _manifest
from .lock import Lock
from .manifest import Manifest
from .pristine import BASE_PATH, Pristine
from .tree import File, Tree, from_archive

COPIER_ANSWERS = ".mai/copier-answers.yml"
"""What plain `copier copy` leaves instead of a manifest."""


@dataclass(frozen=True)
class Project:
    """A project that mai made or adopted."""

    root: Path
    manifest: Manifest
    lock: Lock


def find_root(start: Path) -> Path:
    """The nearest folder from `start` upwards that holds a project; raises `NotAProject`."""
    for folder in (start, *start.parents):
        if (folder / _manifest.PATH).is_file() or (folder / COPIER_ANSWERS).is_file():
            return folder
    raise NotAProject(start)


def read_project(root: Path) -> Project:
    """The project at `root`; raises `BrokenProject` naming the file that cannot be read."""
    return Project(root, read_manifest(root), read_lock(root))


def is_plain_copy(root: Path) -> bool:
    """Whether plain Copier made it, and mai has not adopted it yet."""
    return (root / COPIER_ANSWERS).is_file() and not (root / _manifest.PATH).is_file()


def read_copier_answers(root: Path) -> dict[str, Any]:
    """The answers that plain Copier recorded, without those that are its own."""
    path = root / COPIER_ANSWERS
    try:
        stated = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {key: value for key, value in stated.items() if not key.startswith("_")}
    except (OSError, yaml.YAMLError, AttributeError) as error:
        raise BrokenProject(path, error) from error


def read_base(root: Path, lock: Lock) -> Pristine | None:
    """The base of a project; nothing when it is lost or is not the one that `lock` describes."""
    try:
        tree = from_archive((root / BASE_PATH).read_bytes())
    except (OSError, EOFError, tarfile.TarError):
        return None
    return Pristine(lock, tree) if lock.describes(tree) else None


def read_file(root: Path, path: str) -> File | None:
    """The file at `path` as it is now, through links; nothing when there is none."""
    place = root / path
    try:
        return File(place.read_bytes(), bool(place.stat().st_mode & 0o100))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def read_yours(root: Path, base: Tree, also: Iterable[str] = ()) -> dict[str, File]:
    """What lies now where `base` has a file, and at the paths `also`.

    Windows has no exec bits: there a file has that of the base.
    """
    found = {path: read_file(root, path) for path in {*base, *also}}
    yours = {path: file for path, file in found.items() if file is not None}
    if os.name == "nt":
        bits = {path: path in base and base[path].executable for path in yours}
        yours = {path: File(file.content, bits[path]) for path, file in yours.items()}
    return yours


_NOT_YOURS = {".git", ".mai", ".venv", "node_modules", "__pycache__", "data"}
_LARGEST_MOVED_BYTES = 1_000_000


def own_files(root: Path, known: Tree) -> Iterator[str]:
    """The user's own files, those that mai knows nothing of, as far as one of `known` can have
    been moved there: not in ignored folders, not large, of a suffix that `known` has."""
    suffixes = {Path(path).suffix for path in known}
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in _NOT_YOURS)
        for name in files:
            place = Path(folder, name)
            path = place.relative_to(root).as_posix()
            if path in known or place.suffix not in suffixes:
                continue
            if place.is_file() and place.stat().st_size <= _LARGEST_MOVED_BYTES:
                yield path


def files_in(root: Path, folders: Iterable[str]) -> Iterator[str]:
    """Every file in `folders`, but for links and what programs left there."""
    for top in folders:
        for folder, names, files in os.walk(root / top):
            names[:] = sorted(name for name in names if name not in _NOT_YOURS)
            places = (Path(folder, name) for name in files)
            yield from (p.relative_to(root).as_posix() for p in places if not p.is_symlink())


def read_manifest(root: Path) -> Manifest:
    """The manifest at `root`; raises `BrokenProject`."""
    path = root / _manifest.PATH
    try:
        text = path.read_text(encoding="utf-8")
        return _manifest.from_mapping(tomllib.loads(text))
    except (OSError, tomllib.TOMLDecodeError, *_manifest.BROKEN) as error:
        raise BrokenProject(path, error, _hint(path)) from error


def read_lock(root: Path) -> Lock:
    """The lock at `root`; raises `BrokenProject`."""
    path = root / _lock.PATH
    try:
        return _lock.from_json(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise BrokenProject(path, error, _hint(path)) from error


def _hint(path: Path) -> str:
    with suppress(OSError):
        if b"<<<<<<<" in path.read_bytes():
            return "mai set joins what two branches added; else settle the conflict in it"
    return "take it from the last commit: git checkout -- .mai"
