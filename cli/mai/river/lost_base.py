"""A base that is lost, or is not the one that the lock describes: how it is had again."""

import tarfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ..errors import MaiError
from ..plugins.loader import Catalog
from ..programs import git
from ..project.lock import Lock
from ..project.pristine import BASE_PATH, Pristine
from ..project.reader import read_base, read_file, read_lock, read_manifest
from ..project.tree import File, from_archive


def restore_base(root: Path, catalog: Catalog) -> None:
    """Writes a lost base again, when there is no doubt about it."""
    lock = read_lock(root)
    if read_base(root, lock) is None and (base := recovered(root, lock, catalog)):
        _write_base(root, base)


def adopt_tree(root: Path) -> None:
    """Makes do without a lost base: of the files that nobody edited, as the lock knows.

    The others are the user's own from now on: `mai update` tells them as conflicts.
    """
    lock = read_lock(root)
    if read_base(root, lock) is not None:
        return
    found = ((path, read_file(root, path)) for path in lock.files)
    tree = {path: file for path, file in found if file and file.blob_sha == lock.files[path].sha}
    files = {path: lock.files[path] for path in tree}
    _write_base(root, Pristine(replace(lock, files=files), tree))


def _write_base(root: Path, base: Pristine) -> None:
    from ..apply.transaction import apply
    from .state import state_outcomes

    manifest = read_manifest(root)
    apply(root, state_outcomes(root, manifest, manifest, base), "mai doctor")


def recovered(root: Path, lock: Lock, catalog: Catalog) -> Pristine | None:
    """The base of `lock` to the byte: as committed, rendered again, or from
    files and git's objects."""
    return _committed(root, lock) or _rendered_again(lock, catalog) or _from_objects(root, lock)


def _committed(root: Path, lock: Lock) -> Pristine | None:
    """The base in the last commit, when it is that of `lock`."""
    content = git.file_at(root, "HEAD", BASE_PATH)
    with suppress(OSError, EOFError, tarfile.TarError):
        tree = from_archive(content or b"")
        return Pristine(lock, tree) if lock.describes(tree) else None
    return None


def _rendered_again(lock: Lock, catalog: Catalog) -> Pristine | None:
    """The base that these versions render, when it is the one that the lock describes."""
    from ..render.engine import render

    with suppress(MaiError):
        tree = render(lock.manifest, catalog).tree
        return Pristine(lock, tree) if lock.describes(tree) else None
    return None


def _from_objects(root: Path, lock: Lock) -> Pristine | None:
    """The base from files that nobody edited and from git's objects: the lock names each by its
    blob, and a project's first commit held it."""
    tree: dict[str, File] = {}
    for path, locked in lock.files.items():
        file = read_file(root, path)
        if file is None or file.blob_sha != locked.sha:
            content = git.blob(root, locked.sha)
            if content is None:
                return None
            file = File(content, file.executable if file else False)
        tree[path] = file
    return Pristine(lock, tree)
