"""A project on disk, read and never written."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..errors import BrokenProject, NotAProject
from . import lock as _lock
from . import manifest as _manifest
from .lock import Lock
from .manifest import Manifest
from .tree import File

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
    return Project(root, _read_manifest(root), _read_lock(root))


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


def read_file(root: Path, path: str) -> File | None:
    """The file at `path` as it is now; nothing when there is none."""
    try:
        return File((root / path).read_bytes())
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def _read_manifest(root: Path) -> Manifest:
    path = root / _manifest.PATH
    try:
        return _manifest.from_mapping(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, KeyError, AttributeError, TypeError) as error:
        raise BrokenProject(path, error) from error


def _read_lock(root: Path) -> Lock:
    path = root / _lock.PATH
    try:
        return _lock.from_json(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise BrokenProject(path, error) from error
