"""What becomes of mai's own files in a project."""

import re
import tomllib
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
    """The manifest as it is written now, with what changes; what you wrote in it stays."""
    merged = _merged(text, _file(before), _file(after)) or text
    if _reads_as(merged, after):
        return merged
    # Its tables are in another order: whoever merged two branches put them so.
    base, yours, new = map(_tables, (_file(before), text, _file(after)))
    tables = [_merged(table, base.get(header), new.get(header)) for header, table in yours.items()]
    tables += [table for header, table in new.items() if header not in yours]
    content = b"\n".join(table.content.strip(b"\n") + b"\n" for table in tables if table)
    merged = File(content, text.executable)
    return merged if _reads_as(merged, after) else _file(after)


def _merged(yours: File, base: File | None, new: File | None) -> File | None:
    """A text of which both are versions; nothing when it is to go."""
    if new is None or base is None:
        return new and yours
    path = _manifest.PATH
    (outcome,) = three_way({path: base}, {path: yours}, {path: new}, How(favor="theirs"))
    return outcome.file or yours


def _tables(manifest: File) -> dict[str, File]:
    """Header -> its table with the comment above it; the first also has the head of the file."""
    text = manifest.content.decode().replace("\r\n", "\n")
    starts = [found.start() for found in re.finditer(r"(?m)^(?:#.*\n)*\[", text)]
    ends = [*starts[1:], len(text)]
    found = (text[start:end] for start, end in zip([0, *starts[1:]], ends, strict=True))
    return {re.findall(r"(?m)^\[.*?\]", table)[0]: File(table.encode()) for table in found}


def _reads_as(text: File, manifest: Manifest) -> bool:
    try:
        return _manifest.from_mapping(tomllib.loads(text.content.decode())) == manifest
    except (tomllib.TOMLDecodeError, KeyError, AttributeError, TypeError):
        return False


def _file(manifest: Manifest) -> File:
    return File(manifest.to_toml().encode())


def _outcomes(root: Path, files: dict[str, File]) -> Iterator[Outcome]:
    for path, file in files.items():
        before = read_file(root, path)
        if before != file:
            yield Outcome(path, "create" if before is None else "change", file, before)
