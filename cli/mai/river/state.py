"""What becomes of mai's own files in a project."""

from collections.abc import Iterator
from pathlib import Path

from ..merge.three_way import How, three_way
from ..plan.outcomes import Outcome
from ..project import manifest as _manifest
from ..project.manifest import Manifest
from ..project.pristine import Pristine, state_files
from ..project.reader import read_file
from ..project.tree import File


def state_outcomes(root: Path, before: Manifest, after: Manifest, new: Pristine) -> list[Outcome]:
    """The outcomes of manifest, lock and base; comments in the manifest stay."""
    files = {**state_files(after, new)}
    text = read_file(root, _manifest.PATH)
    if text is not None:
        files[_manifest.PATH] = _edited(text, before, after)
    return list(_outcomes(root, files))


def _edited(text: File, before: Manifest, after: Manifest) -> File:
    """The manifest as it is written now, with what changes."""
    path = _manifest.PATH
    base, yours, new = ({path: file} for file in (_file(before), text, _file(after)))
    (outcome,) = three_way(base, yours, new, How(favor="theirs"))
    return outcome.file or text


def _file(manifest: Manifest) -> File:
    return File(manifest.to_toml().encode())


def _outcomes(root: Path, files: dict[str, File]) -> Iterator[Outcome]:
    for path, file in files.items():
        before = read_file(root, path)
        if before != file:
            yield Outcome(path, "create" if before is None else "change", file, before)
