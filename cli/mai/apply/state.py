"""mai's own files in a project that exists already."""

from pathlib import Path

from ..project import manifest
from ..project.reader import COPIER_ANSWERS
from ..project.tree import Tree


def adopt(root: Path, state: Tree) -> None:
    """Puts `.mai/` in the place of plain Copier's answers file.

    Each file is replaced at once and the manifest comes last: it is what makes a project mai's.
    """
    for path in sorted(state, key=lambda path: path == manifest.PATH):
        destination = root / path
        destination.parent.mkdir(exist_ok=True)
        staged = destination.with_name(f"{destination.name}.new")
        staged.write_bytes(state[path].content)
        staged.replace(destination)
    (root / COPIER_ANSWERS).unlink()
