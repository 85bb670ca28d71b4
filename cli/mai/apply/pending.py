"""Conflicts that wait for the user: what `mai resolve` ends and `mai undo` takes back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import Refused
from ..plan.outcomes import Outcome
from ..project.reader import read_file
from ..project.tree import File
from . import undo_store

PATH = f"{undo_store.FOLDER}/pending.json"
_MARKERS = (b"<<<<<<< ", b">>>>>>> ")


@dataclass(frozen=True)
class Pending:
    command: str
    paths: tuple[str, ...]

    def unsettled(self, root: Path) -> list[str]:
        """The files that still hold a conflict."""
        return [path for path in self.paths if _has_markers(read_file(root, path))]


def read(root: Path) -> Pending | None:
    """The command whose conflicts are not resolved yet."""
    file = read_file(root, PATH)
    if file is None:
        return None
    stated = json.loads(file.content)
    return Pending(stated["command"], tuple(stated["paths"]))


def refuse(root: Path) -> None:
    """Raises `Refused` while conflicts wait."""
    if found := read(root):
        raise Refused(
            f"`{found.command}` left conflicts in {', '.join(found.paths)}",
            "settle them and run mai resolve, or go back with mai undo",
        )


def outcome(command: str, paths: Sequence[str]) -> Outcome:
    """What makes them wait: written and taken back with the rest."""
    content = json.dumps({"command": command, "paths": list(paths)}, indent=1)
    return Outcome(PATH, "create", File(content.encode()))


def settle(root: Path) -> None:
    """Ends the waiting."""
    (root / PATH).unlink(missing_ok=True)


def _has_markers(file: File | None) -> bool:
    lines = file.content.splitlines() if file else ()
    return any(line.startswith(_MARKERS) for line in lines)
