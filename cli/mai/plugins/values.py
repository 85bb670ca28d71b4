"""What hooks are given and what they return: frozen values, imported from `mai.plugins`.

A hook is given copies: whatever it changes in them, it changes nothing of mai's.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..project.manifest import Manifest

Action = Literal["create", "identical", "change", "skip", "conflict", "remove"]


@dataclass(frozen=True)
class Project:
    """A project, as hooks see it."""

    manifest: Manifest
    """What it is made of, or is to be made of."""
    root: Path | None = None
    """Its folder. `mai_contribute` is given none: what it returns follows from the manifest."""


@dataclass(frozen=True)
class FileChange:
    """What becomes of one file."""

    path: str
    """Relative to the project, with slashes."""
    action: Action
    """`create`, `change`, `remove`, `conflict`, or `skip` when it is left alone for a reason."""
    source: str | None = None
    """Where the file lay, when it moves to `path`."""


@dataclass(frozen=True)
class Plan:
    """What a command comes to."""

    command: str
    """As it was typed: `mai add agent support`."""
    before: Manifest | None
    """What the project was made of; nothing for a project that is new."""
    after: Manifest
    """What it is to be made of."""
    files: tuple[FileChange, ...]
    """Every file but those that stay as they are."""


@dataclass(frozen=True)
class Problem:
    """Why a manifest cannot be."""

    message: str
    """What was given, and what was expected."""
    hint: str = ""
    """What to type, or to do, instead."""
