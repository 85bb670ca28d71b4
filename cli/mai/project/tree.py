"""A tree of files as a value, and the archive that keeps one."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class File:
    content: bytes
    executable: bool = False

    @property
    def blob_sha(self) -> str:
        """Git's name for this content (SHA-1 of the blob object)."""
        header = f"blob {len(self.content)}\0".encode()
        return hashlib.sha1(header + self.content, usedforsecurity=False).hexdigest()


Tree = Mapping[str, File]
"""POSIX path relative to the project -> file."""


def read_tree(root: Path) -> dict[str, File]:
    """The files below `root`."""
    return {
        p.relative_to(root).as_posix(): File(p.read_bytes(), bool(p.stat().st_mode & 0o100))
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


def to_archive(tree: Tree) -> bytes:
    """A gzipped tar of `tree`, without times and owners: the same tree gives the same bytes."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(tree):
            file = tree[path]
            entry = tarfile.TarInfo(path)
            entry.size = len(file.content)
            entry.mode = 0o755 if file.executable else 0o644
            archive.addfile(entry, io.BytesIO(file.content))
    return gzip.compress(raw.getvalue(), compresslevel=6, mtime=0)


def from_archive(data: bytes) -> dict[str, File]:
    """The tree in an archive that `to_archive` made."""
    tree = {}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            if content is not None:
                tree[entry.name] = File(content.read(), bool(entry.mode & 0o100))
    return tree
