"""A project's package under another name: every file in its folder moves along, the user's too."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..plan.outcomes import Outcome
from ..project.manifest import Manifest
from ..project.pristine import Pristine
from ..project.reader import read_file
from ..project.tree import File, Tree

Moved = Mapping[str, tuple[str, File]]
"""Path that a file moves to -> path where it lies now, and the file."""


@dataclass(frozen=True)
class PackageMove:
    """`src/shop/` becomes `src/store/`, which a user may have done already."""

    old: str
    new: str

    @classmethod
    def between(cls, before: Manifest, after: Manifest) -> "PackageMove | None":
        old, new = (f"src/{m.project.get('package_name')}/" for m in (before, after))
        return None if old == new else cls(old, new)

    @property
    def package(self) -> str:
        """Its old name."""
        return self.old.split("/")[1]

    def tree(self, tree: Tree) -> Tree:
        """`tree` with the package in its new place."""
        return {self._place(path): file for path, file in tree.items()}

    def pristine(self, pristine: Pristine) -> Pristine:
        """`pristine` with the package in its new place; answers and contents are what they were."""
        files = {self._place(path): file for path, file in pristine.lock.files.items()}
        return Pristine(replace(pristine.lock, files=files), self.tree(pristine.tree))

    def files(self, root: Path, there: Tree) -> Moved:
        """The files that still lie in the old place and are not `there` in the new one."""
        moved = {}
        for folder, names, files in os.walk(root / self.old):
            names[:] = [name for name in names if name != "__pycache__"]
            for name in files:
                path = Path(folder, name).relative_to(root).as_posix()
                file = read_file(root, path)
                if file is not None and self._place(path) not in there:
                    moved[self._place(path)] = (path, file)
        return moved

    def outcomes(self, outcomes: Iterable[Outcome], moved: Moved) -> list[Outcome]:
        """`outcomes` of the new places, with the moves to them."""
        by_path = {outcome.path: outcome for outcome in outcomes}
        result = [outcome for path, outcome in by_path.items() if path not in moved]
        for path, (source, file) in moved.items():
            result.append(Outcome(source, "remove", None, file))
            result += self._arrived(path, source, file, by_path.get(path))
        return sorted(result, key=lambda outcome: outcome.path)

    def _arrived(
        self, path: str, source: str, file: File, outcome: Outcome | None
    ) -> Iterable[Outcome]:
        if outcome is None:
            yield Outcome(path, "create", file, source=source)
        elif outcome.action != "remove":
            result = outcome.file if outcome.writes else file
            arrived = replace(outcome, file=result, before=None, source=source)
            yield arrived if outcome.action == "conflict" else replace(arrived, action="create")

    def _place(self, path: str) -> str:
        return self.new + path.removeprefix(self.old) if path.startswith(self.old) else path


def moved_by_hand(root: Path, package: str, known: Iterable[str]) -> str | None:
    """The package's new name, when its folder was renamed and most of its files are there."""
    if (root / "src" / package).exists() or not (root / "src").is_dir():
        return None
    inside = [path.partition(f"src/{package}/")[2] for path in known]
    files = [path for path in inside if path]
    for folder in sorted(path for path in (root / "src").iterdir() if path.is_dir()):
        if 2 * sum((folder / path).is_file() for path in files) > len(files):
            return folder.name
    return None
